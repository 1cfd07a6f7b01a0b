#!/bin/sh
# Looks for drift, and says something only when there is some: cron mails what is said. Line for /etc/cron.d/keycomb:
#
#   MAILTO=platform@example.com
#   17 6 * * *  keycomb  /usr/local/bin/keycomb-drift.sh /srv/keycomb
#
# The argument is a clone of the repository with the configuration. The management key, one that may only read, is in
# $HOME/.config/keycomb of that user (`keycomb auth login`), or in the file that KEY_FILE names, as ID:SECRET.
set -eu

folder=${1:?the folder of the configuration}
keycomb=${KEYCOMB:-keycomb}

cd "$folder"
git pull --quiet --ff-only
report=$(mktemp)
trap 'rm -f "$report"' EXIT

set -- drift --emit "markdown=$report"
[ -z "${KEY_FILE:-}" ] || set -- "$@" --key-file "$KEY_FILE"
status=0
said=$("$keycomb" "$@" 2>&1) || status=$?
case $status in
    0) ;;
    2 | 10) cat "$report" ;;
    *) printf '%s\n' "$said" ;;
esac
exit "$status"
