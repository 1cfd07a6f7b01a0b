#!/bin/sh
# Makes or updates a Secret with one entry for each key of an environment, such as HONEYCOMB_PRODUCTION_CHECKOUT.
#
#   kubernetes-secret.sh production IDENTITY [NAME]
#
# Variables of the pods (`envFrom: [{ secretRef: { name: honeycomb } }]`) take it up when they are restarted, mounted files
# within a minute.
set -eu

environment=${1:?an environment, by its name in the configuration}
identity=${2:?a file with an age identity}
name=${3:-honeycomb}
keycomb=${KEYCOMB:-keycomb}

"$keycomb" secrets export --format kubernetes --name "$name" --env "$environment" -i "$identity" |
    kubectl apply --server-side --field-manager=keycomb -f -
