#!/bin/sh
# Sets one masked and protected variable of a GitLab project for each key of an environment, such as
# HONEYCOMB_PRODUCTION_CHECKOUT.
#
#   gitlab-variables.sh production IDENTITY GROUP/PROJECT
set -eu

environment=${1:?an environment, by its name in the configuration}
identity=${2:?a file with an age identity}
project=${3:?GROUP/PROJECT}
keycomb=${KEYCOMB:-keycomb}

"$keycomb" secrets export --env "$environment" -i "$identity" | while IFS="='" read -r name _ value _; do
    # `glab` reads the value from stdin where none is given; `update` where it is there already.
    printf %s "$value" | glab variable set "$name" --repo "$project" --masked --protected 2>/dev/null ||
        printf %s "$value" | glab variable update "$name" --repo "$project" --masked --protected
done
