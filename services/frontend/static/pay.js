// The payment by card: Stripe's library shows its own frame for the card, and confirms the payment
// with it. The shop hears of it from Stripe, and the order's page shows when it has.
(() => {
  'use strict';
  const form = document.getElementById('pay');
  const problem = document.getElementById('pay-problem');
  const button = form?.querySelector('button');
  // Who was sent to the bank comes back by an address that opens nothing; this browser knows the other.
  const kept = (path) => `order at ${path}`;
  if (document.getElementById('pay-back')) {
    const order = sessionStorage.getItem(kept(location.pathname));
    if (order?.startsWith(location.pathname)) location.replace(`${order}${order.includes('?') ? '&' : '?'}confirmed=1`);
  }
  if (!form) return;

  function fail(text) {
    problem.textContent = text || form.dataset.failed;
    problem.hidden = false;
  }

  if (typeof Stripe !== 'function') {
    fail();
    return;
  }
  const stripe = Stripe(form.dataset.key, { locale: form.dataset.language });
  const elements = stripe.elements({ clientSecret: form.dataset.secret });
  const card = elements.create('payment');
  card.on('ready', () => { button.disabled = false; });
  card.on('loaderror', () => fail());
  card.mount('#pay-card');

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    // Without what opens the order: the address is told to Stripe.
    const back = new URL(form.dataset.order, location.origin);
    back.search = '';
    sessionStorage.setItem(kept(back.pathname), form.dataset.order);
    const { error } = await stripe.confirmPayment({
      elements,
      redirect: 'if_required',
      confirmParams: { return_url: back.href },
    });
    if (error) {
      fail(error.message);
      button.disabled = false;
      return;
    }
    const order = new URL(form.dataset.order, location.origin);
    order.searchParams.set('confirmed', '1');
    location.assign(order);
  });
})();
