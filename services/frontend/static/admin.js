// What the pages for staff do more comfortably with a script. Everything works without it.
(() => {
  'use strict';

  addEventListener('click', (event) => {
    if (event.target.closest('[data-print]')) print();
    const copy = event.target.closest('[data-copy]');
    if (copy) {
      navigator.clipboard?.writeText(document.getElementById(copy.dataset.copy).textContent.trim()).then(() => {
        document.getElementById('said').textContent = copy.textContent = copy.dataset.done;
      });
    }
    // Ticks all boxes that are named so.
    const all = event.target.closest('[data-all]');
    if (all) for (const box of all.form.querySelectorAll(`input[type=checkbox][name="${all.dataset.all}"]`)) box.checked = all.checked;
  });

  addEventListener('change', (event) => {
    // A filter that is chosen counts at once.
    const form = event.target.form;
    if (form && 'filter' in form.dataset && event.target.matches('select, input[type=date], input[type=checkbox]')) form.requestSubmit();
  });

  addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      const open = event.target.closest?.('details.confirm[open]');
      if (open) { open.open = false; open.querySelector('summary').focus(); }
    }
    // A slash finds, as in many tools; not while somebody types.
    if (event.key === '/' && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest?.('input, textarea, select')) {
      event.preventDefault();
      document.getElementById('find')?.focus();
    }
  });

  // A form with something wrong inside a closed step is to be seen.
  for (const wrong of document.querySelectorAll('[aria-invalid=true], #problems')) {
    const closed = wrong.closest('details:not([open])');
    if (closed) closed.open = true;
  }
})();
