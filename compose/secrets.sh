#!/bin/sh
# Makes what is secret, once, and hands each container its own part and no other's.
#
# Runs as root in a container without network, before everything else (docker-compose.yml,
# service `secrets`). What is there stays, so running it again changes nothing.
#   secrets.sh          makes and hands out
#   secrets.sh NAME     prints one: admin (of the shop), grafana, postgres
set -eu
umask 077

made=/secrets/made
mkdir -p "$made"

random() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }

for name in postgres product_api order_api auth images redis s3-access-key s3-secret-key admin grafana; do
  [ -s "$made/$name" ] || { random >"$made/$name.new" && mv "$made/$name.new" "$made/$name"; }
done

if [ $# -gt 0 ]; then
  case "$1" in
    admin | grafana | postgres) cat "$made/$1" && echo && exit 0 ;;
    *) echo "there is no secret $1 to show; there are: admin, grafana, postgres" >&2 && exit 2 ;;
  esac
fi

# give VOLUME FILE OWNER: what comes in, as a file that only its owner reads. Replaced as a whole,
# because programs read their secrets again when they change.
give() {
  file="/secrets/$1/$2"
  folder="${file%/*}"
  mkdir -p "$folder"
  cat >"$file.new"
  if cmp -s "$file.new" "$file"; then rm "$file.new"; else mv "$file.new" "$file"; fi
  chmod 400 "$file"
  chown -R "$3" "/secrets/$1"
  chmod 755 "/secrets/$1"
}

shop=1001:1001
url() { printf 'postgres://%s:%s@postgres:5432/techcommerce' "$1" "$(cat "$made/$2")"; }

# Of each service: its private key, everybody's public keys, its own database.
for service in frontend api product-api order-api auth images worker; do
  give "$service" "keys/$service.key" $shop <"/secrets/keys/$service.key"
  give "$service" trusted/trusted-keys $shop <"/secrets/keys/trusted-keys"
done
database() { url "$2" "$2" | give "$3" "databases/$1/url" $shop; }
database product-api product_api product-api
database order-api order_api order-api
database auth auth auth
database images images images
# The worker runs the jobs of all; what migrates makes the roles of all, with these passwords.
for everything in worker migrate; do
  database product-api product_api $everything
  database order-api order_api $everything
  database auth auth $everything
  database images images $everything
done
url postgres postgres | give migrate databases/admin/url $shop

redis="redis://:$(cat "$made/redis")@redis:6379"
for service in api auth worker; do
  printf '%s' "$redis" | give "$service" redis/url $shop
done
for service in images worker; do
  give "$service" object-store/access-key $shop <"$made/s3-access-key"
  give "$service" object-store/secret-key $shop <"$made/s3-secret-key"
done
give auth admin/password $shop <"$made/admin"

# The stores themselves run as the users that their images have.
give postgres password 999:999 <"$made/postgres"
printf 'requirepass %s\n' "$(cat "$made/redis")" | give redis redis.conf 999:999
give redis password 999:999 <"$made/redis"
give grafana password 472:0 <"$made/grafana"
give s3 s3.json 0:0 <<JSON
{
  "identities": [
    {
      "name": "shop",
      "credentials": [
        { "accessKey": "$(cat "$made/s3-access-key")", "secretKey": "$(cat "$made/s3-secret-key")" }
      ],
      "actions": ["Read:pictures", "Write:pictures", "List:pictures"]
    }
  ]
}
JSON
# It gives root up before it reads; nobody else mounts this volume.
chmod 444 /secrets/s3/s3.json
