// What the pages do without reloading. Everything here also works without it: a form that is
// `data-live` is sent in the background, and the parts of the answer that are marked
// `data-part` take the place of ours. The server renders everything; this only moves it.
(() => {
  'use strict';
  const $ = (selector, root = document) => root.querySelector(selector);
  let latest = 0;

  /** Fetches a page; gives its document and address, or throws. */
  async function load(address, options = {}) {
    const answer = await fetch(address, { credentials: 'same-origin', ...options, headers: { accept: 'text/html' } });
    if (!(answer.headers.get('content-type') || '').startsWith('text/html')) throw new Error('not a page');
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    return { page, ok: answer.ok, address: answer.url };
  }

  /** Puts the parts of `page` in the place of ours, keeping the focus where it was. */
  function swap(page, only) {
    const focused = document.activeElement?.id;
    for (const part of page.querySelectorAll('[data-part]')) {
      const mine = document.getElementById(part.id);
      if (!mine || (only && !only.includes(part.id))) continue;
      for (const { name, value } of part.attributes) mine.setAttribute(name, value);
      for (const { name } of [...mine.attributes]) if (!part.hasAttribute(name)) mine.removeAttribute(name);
      if (mine.innerHTML !== part.innerHTML) mine.replaceChildren(...part.childNodes);
    }
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus();
    tidy();
  }

  /** A short message that is also read out; the link leads on. */
  function toast(text, link) {
    const box = $('#toast');
    box.replaceChildren(text, ...(link ? [' ', link] : []));
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => box.replaceChildren(), 6000);
  }

  /** Sends a form in the background; a form that cannot be sent so is sent as ever. */
  async function send(form, submitter) {
    const turn = ++latest;
    form.setAttribute('aria-busy', 'true');
    let answer;
    try {
      answer = await load(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form, submitter)) });
    } catch {
      return form.submit();
    } finally {
      form.removeAttribute('aria-busy');
    }
    if (turn !== latest) return;
    const mine = form.closest('[data-part]');
    if (mine && answer.page.getElementById(mine.id)) {
      swap(answer.page);
      const trouble = $('#problems') || $('[aria-invalid=true]');
      if (!answer.ok && trouble) trouble.focus();
    } else if (answer.ok) {
      swap(answer.page, ['cart-link']);
      const link = document.createElement('a');
      link.href = '/cart';
      link.textContent = $('#toast').dataset.link;
      toast($('#notes', answer.page)?.textContent.trim() || '', link);
    } else {
      toast($('h1', answer.page)?.textContent || '');
    }
  }

  /** Shows price and stock of the variant that is chosen. */
  async function choose(form) {
    const turn = ++latest;
    const chosen = new URLSearchParams(new FormData(form));
    chosen.delete('product');
    try {
      const { page, ok } = await load(`${form.dataset.choice}?${chosen}`);
      if (!ok || turn !== latest) return;
      swap(page, ['buy']);
    } catch {
      return; // The next choice, or the button, tries again.
    }
    history.replaceState(null, '', $('#buy').dataset.address);
    $('#said').textContent = `${$('#buy .price').textContent}. ${$('#stock').textContent}`;
  }

  /** Shows what a form would come to, without sending it for good. */
  async function preview(form, part) {
    const turn = ++latest;
    const body = new URLSearchParams(new FormData(form));
    body.set('preview', '1');
    try {
      const { page, ok } = await load(form.action, { method: 'POST', body });
      if (ok && turn === latest) swap(page, [part]);
    } catch {
      // The server shows it again before it takes the order.
    }
  }

  /** Appends the next page of a list to this one. */
  async function more(link) {
    link.setAttribute('aria-busy', 'true');
    try {
      const { page, ok } = await load(link.href);
      if (!ok) throw new Error('no page');
      const next = [...$('#list .cards', page).children];
      $('#list .cards').append(...next);
      $('#more').replaceChildren(...[...$('#more', page).children].filter((child) => child.matches('[data-more]')));
      $('a', next[0])?.focus({ preventScroll: true });
    } catch {
      location.assign(link.href);
    }
  }

  /** Asks again for a page that waits for something. */
  function poll(box) {
    let failures = 0;
    const ask = async () => {
      try {
        const { page, ok } = await load(location.href);
        if (ok) swap(page, [box.id, 'status-text']);
        failures = ok ? 0 : failures + 1;
      } catch {
        failures += 1;
      }
      const seconds = Number(box.dataset.poll);
      if (seconds) setTimeout(ask, Math.min(30, seconds * 2 ** failures) * 1000);
    };
    setTimeout(ask, 800);
  }

  /** The note of what was just done is for once: a reload shall not show it again. */
  function tidy() {
    const here = new URL(location.href);
    if (!here.searchParams.has('note')) return;
    here.searchParams.delete('note');
    history.replaceState(null, '', here);
  }

  addEventListener('submit', (event) => {
    const form = event.target;
    if (event.defaultPrevented || event.submitter?.formMethod === 'get') return;
    if ('once' in form.dataset) {
      if (form.getAttribute('aria-busy')) event.preventDefault();
      form.setAttribute('aria-busy', 'true');
      setTimeout(() => form.removeAttribute('aria-busy'), 8000);
    } else if ('live' in form.dataset) {
      event.preventDefault();
      send(form, event.submitter);
    }
  });

  addEventListener('change', (event) => {
    const form = event.target.form;
    if (!form) return;
    if ('choice' in form.dataset && event.target.type === 'radio') choose(form);
    if (event.target.dataset.preview) preview(form, event.target.dataset.preview);
    if (form.dataset.live === 'auto' && form.reportValidity()) {
      clearTimeout(form.timer);
      form.timer = setTimeout(() => form.requestSubmit(), 350);
    }
  });

  addEventListener('click', (event) => {
    const step = event.target.closest('[data-step]');
    if (step) {
      const input = $('input', step.parentElement);
      const before = input.value;
      Number(step.dataset.step) > 0 ? input.stepUp() : input.stepDown();
      if (input.value !== before) input.dispatchEvent(new Event('change', { bubbles: true }));
    }
    const link = event.target.closest('a[data-more]');
    if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0) {
      event.preventDefault();
      more(link);
    }
  });

  // A page that comes back out of the browser's memory may show an old cart, or a form still busy.
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    for (const form of document.querySelectorAll('[aria-busy]')) form.removeAttribute('aria-busy');
    load(location.href).then(({ page }) => swap(page, ['cart-link', 'cart'])).catch(() => {});
  });

  tidy();
  $('.aisles [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });
  $('#problems')?.focus();
  const waiting = $('[data-poll]');
  if (waiting) poll(waiting);
})();
