#!/bin/sh
# Make the package repository of the tests again: two tiny packages, an index, a signature.
# Needs gpg and dpkg-deb; the secret keys are thrown away. Run it in this folder.
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export GNUPGHOME="$work/gnupg"
mkdir -m 700 "$GNUPGHOME"
rm -rf dists pool ./*.gpg
mkdir -p pool "dists/bookworm/main"

package() { # name, dependencies, file in it
    mkdir -p "$work/$1/DEBIAN" "$work/$1/usr/lib/erlang"
    printf 'Package: %s\nVersion: 1:25.0-1\nArchitecture: all\nMaintainer: nobody <nobody@invalid>\n' "$1" \
        > "$work/$1/DEBIAN/control"
    printf 'Depends: %s\nDescription: of the tests\n' "$2" >> "$work/$1/DEBIAN/control"
    echo "$1" > "$work/$1/usr/lib/erlang/$1"
    dpkg-deb --root-owner-group -Zgzip --build "$work/$1" "pool/$1_25.0-1_all.deb" > /dev/null
}

package erlang-base "adduser, procps, beam-library"
package beam-library "debconf"
package erlang-common-test "erlang-wx"

for deb in pool/*.deb; do
    dpkg-deb --field "$deb"
    printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' \
        "$deb" "$(stat -c %s "$deb")" "$(sha256sum "$deb" | cut -d' ' -f1)"
done > "$work/Packages"

cd dists/bookworm
{
    printf 'Origin: Debian\nLabel: tests\nSuite: oldstable\nCodename: bookworm\n'
    printf 'Date: Thu, 01 Jan 2026 00:00:00 UTC\nArchitectures: all amd64 arm64\n'
    printf 'Components: main\nSHA256:\n'
    for architecture in amd64 arm64; do
        mkdir -p "main/binary-$architecture"
        cp "$work/Packages" "main/binary-$architecture/Packages"
        printf ' %s %s main/binary-%s/Packages\n' "$(sha256sum "$work/Packages" | cut -d' ' -f1)" \
            "$(stat -c %s "$work/Packages")" "$architecture"
    done
} > Release

for key in archive stranger; do
    gpg --batch --quiet --passphrase '' --quick-generate-key "$key <$key@invalid>" ed25519 sign never
    gpg --batch --quiet --export "$key" > "../../$key.gpg"
done
gpg --batch --quiet --local-user archive --clearsign --output InRelease Release
rm Release
