// What the pages about goods do more comfortably with a script: the product's form adds, removes
// and uploads without loading the page anew, and pictures are dragged into their order.
(() => {
  'use strict';

  /** Sends the form for a step that is not saved yet, and takes the form that comes back. */
  async function step(form, button) {
    form.setAttribute('aria-busy', 'true');
    let fresh;
    try {
      const body = new FormData(form, button);
      const answer = await fetch(form.action, { method: 'POST', body, credentials: 'same-origin', headers: { accept: 'text/html' } });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      fresh = page.getElementById(form.id);
    } catch {
      fresh = null;
    }
    form.removeAttribute('aria-busy');
    if (!fresh) return form.dispatchEvent(new CustomEvent('lost', { detail: button }));
    // Where the eyes are, things shall stay: measured by the button if it is still there.
    const before = button.getBoundingClientRect().top;
    form.replaceWith(fresh);
    const again = document.getElementById(button.id);
    if (again) scrollBy(0, again.getBoundingClientRect().top - before);
    const added = button.value === 'add-option' ? [...fresh.querySelectorAll('.option-row input[id$="-name"]')].pop() : null;
    const wrong = fresh.querySelector('[aria-invalid=true]');
    const files = button.value === 'upload' ? fresh.querySelector('#files') : null;
    const next = added || wrong || files || (again && !again.disabled ? again : null) || fresh.querySelector(`#${button.closest('section')?.id || 'save'} button`);
    next?.focus({ preventScroll: !wrong });
    document.getElementById('said').textContent = fresh.querySelector('#form-said')?.textContent || '';
  }

  addEventListener('submit', (event) => {
    const form = event.target;
    const button = event.submitter;
    if (event.defaultPrevented || !('round' in form.dataset) || !button || button.value === 'save') return;
    event.preventDefault();
    if (form.getAttribute('aria-busy')) return;
    // Without the network the browser says so in its own way.
    form.addEventListener('lost', () => { delete form.dataset.round; form.requestSubmit(button); }, { once: true });
    step(form, button);
  });

  addEventListener('change', (event) => {
    const field = event.target;
    const button = field.dataset?.upload && document.getElementById(field.dataset.upload);
    if (button && field.files.length) field.form.requestSubmit(button);
  });

  // Pictures are dragged by their thumbnail; the form is sent in the order of the page.
  let dragged = null;

  addEventListener('pointerover', (event) => {
    const thumb = event.target.closest?.('[data-sort] .thumb');
    if (thumb) thumb.draggable = true;
  });

  addEventListener('dragstart', (event) => {
    dragged = event.target.closest?.('[data-sort] > li');
    if (!dragged) return;
    event.dataTransfer.effectAllowed = 'move';
    event.dataTransfer.setData('text/plain', '');
    dragged.classList.add('dragged');
  });

  addEventListener('dragover', (event) => {
    const over = dragged && event.target.closest?.('[data-sort] > li');
    if (!over || over.parentElement !== dragged.parentElement) return;
    event.preventDefault();
    if (over === dragged) return;
    const { top, height } = over.getBoundingClientRect();
    over[event.clientY < top + height / 2 ? 'before' : 'after'](dragged);
  });

  addEventListener('drop', (event) => { if (dragged) event.preventDefault(); });

  addEventListener('dragend', () => {
    if (!dragged) return;
    dragged.classList.remove('dragged');
    const rows = [...dragged.parentElement.children];
    rows.forEach((row, place) => {
      row.querySelector('[value^="up:"]').disabled = place === 0;
      row.querySelector('[value^="down:"]').disabled = place === rows.length - 1;
    });
    dragged = null;
  });
})();
