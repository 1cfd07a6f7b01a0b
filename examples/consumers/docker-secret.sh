#!/bin/sh
# Makes a secret of Docker Swarm out of one sealed key, and gives it to a service in place of the one before. A secret of Docker
# cannot change, so each has the key's generation in its name.
#
#   docker-secret.sh key.production.checkout IDENTITY SERVICE
#
# The service reads /run/secrets/honeycomb.
set -eu

address=${1:?an address, such as key.production.checkout}
identity=${2:?a file with an age identity}
service=${3:?a service}
keycomb=${KEYCOMB:-keycomb}

# Not sealed text: the generation that would be opened.
generation=$("$keycomb" secrets list --format json |
    jq -r --arg address "$address" '[.secrets[] | select(.address == $address and .state == "live") | .generation] | max')
name="honeycomb-$(printf %s "$address" | tr . -)-$generation"

if docker secret inspect "$name" >/dev/null 2>&1; then
    echo "$name is there already" >&2
    exit 0
fi
"$keycomb" secrets open "$address" -i "$identity" | tr -d '\n' | docker secret create "$name" -
before=$(docker service inspect "$service" --format '{{range .Spec.TaskTemplate.ContainerSpec.Secrets}}{{println .SecretName}}{{end}}' |
    grep "^honeycomb-$(printf %s "$address" | tr . -)-" || :)
set -- --secret-add "source=$name,target=honeycomb"
for old in $before; do set -- --secret-rm "$old" "$@"; done
docker service update --quiet "$@" "$service"
