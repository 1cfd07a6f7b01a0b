#!/bin/sh
# Sets one secret of a GitHub repository for each key of an environment, such as HONEYCOMB_PRODUCTION_CHECKOUT. `gh` encrypts
# them before they leave.
#
#   github-secrets.sh production IDENTITY OWNER/REPOSITORY [GITHUB-ENVIRONMENT]
set -eu

environment=${1:?an environment, by its name in the configuration}
identity=${2:?a file with an age identity}
repository=${3:?OWNER/REPOSITORY}
keycomb=${KEYCOMB:-keycomb}

set -- --repo "$repository" ${4:+--env "$4"}
"$keycomb" secrets export --env "$environment" -i "$identity" | gh secret set "$@" --env-file -
