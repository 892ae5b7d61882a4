# shellcheck shell=bash
# Shops once through the frontend, as people and programs do. Part of deploy.sh.
# shellcheck disable=SC2154 # variables are set in one file and used in another

forwarder=""

stop_forwarding() {
  [[ -n $forwarder ]] && kill "$forwarder" 2>/dev/null || true
  forwarder=""
}

smoke_test() {
  step "Shopping through the frontend"
  ((dry_run)) && note "a page, a product, a cart, an order where the test payment is taken" && return
  forward
  get_page
  find_variant
  if [[ -z $variant ]]; then
    note "the catalogue is empty: no cart, no order"
  else
    fill_cart
    if takes_test_payment; then
      place_order
      wait_for_payment
    else
      note "no order: this shop takes no test payment"
    fi
  fi
  stop_forwarding
}

# A way to the frontend that needs neither ingress nor open port. kubectl chooses the port. Where a public
# address was named, that is the way.
forward() {
  local log=$work/forward.log tries=0
  shop=${public:-}
  [[ -z $shop ]] || return 0
  : >"$log"
  in_shop port-forward service/frontend :3000 >"$log" 2>&1 &
  forwarder=$!
  until shop=$(sed -n 's#^Forwarding from \(127\.0\.0\.1:[0-9]*\) .*#http://\1#p' "$log") && [[ -n $shop ]]; do
    if ((++tries > 100)) || ! kill -0 "$forwarder" 2>/dev/null; then
      fail "There is no way to the frontend." "$(cat "$log")"
    fi
    sleep 0.1
  done
}

# ask WHAT METHOD PATH [curl's arguments]: sets `answer`, or ends with what was answered.
ask() {
  local what=$1 method=$2 path=$3 status
  shift 3
  status=$(curl --silent --show-error --max-time 30 --request "$method" --output "$work/answer" \
    --write-out '%{http_code}' "$@" "$shop$path") || fail "$what: no answer to $method $path."
  answer=$(tr -d '\n' <"$work/answer")
  [[ $status == 2* ]] || fail "$what: $method $path answered $status." "${answer:0:500}"
}

# field NAME: the first text of that name in the answer.
field() {
  grep -o "\"$1\":\"[^\"]*\"" <<<"$answer" | head -n 1 | cut -d '"' -f 4
}

get_page() {
  ask "The home page" GET / --header 'accept: text/html'
  [[ $answer == *"<html"* ]] || fail "The home page is no page." "${answer:0:500}"
  note "the home page is there"
}

find_variant() {
  ask "The list of products" GET '/api/products?in_stock=true&limit=1'
  variant=$(grep -o '"variants":\[{"id":"[^"]*"' <<<"$answer" | head -n 1 | cut -d '"' -f 6) || variant=""
  [[ -z $variant ]] || note "a product that can be bought"
}

fill_cart() {
  ask "A new cart" POST /api/carts
  cart=$(field id)
  [[ -n $cart ]] || fail "A new cart has no id." "${answer:0:500}"
  ask "A line in the cart" PUT "/api/carts/$cart/lines/$variant" \
    --header 'content-type: application/json' --data '{"quantity":1}'
  note "it is in a cart"
}

# The setting, or its default if none is set.
takes_test_payment() {
  local methods
  methods=$(setting TECHCOMMERCE_ORDERS_PAYMENT_METHODS)
  [[ -z $methods || $methods == *test* ]]
}

place_order() {
  local address='{"name":"Smoke Test","line1":"1 Example Street","city":"Hamburg","postal_code":"20457","country":"DE"}'
  ask "An order" POST /api/orders --header 'content-type: application/json' \
    --header "idempotency-key: deploy-$cart" --data \
    "{\"cart_id\":\"$cart\",\"email\":\"smoke@example.com\",\"shipping_address\":$address,\"shipping_method\":\"standard\",\"payment\":{\"method\":\"test\"}}"
  order=$(field id) token=$(field access_token)
  [[ -n $order && -n $token ]] || fail "The order has no id." "${answer:0:500}"
  note "order $(field number) is placed"
}

# Payment is the worker's: that it happens shows that jobs run.
wait_for_payment() {
  local deadline=$((SECONDS + 60))
  while :; do
    ask "The order" GET "/api/orders/$order?access_token=$token"
    case $(field payment_status) in
      paid) note "and paid" && return ;;
      failed) fail "The test payment of the order failed." "${answer:0:500}" ;;
    esac
    ((SECONDS < deadline)) || fail "The order is not paid after a minute: the worker does not do its jobs."
    sleep "$poll_seconds"
  done
}
