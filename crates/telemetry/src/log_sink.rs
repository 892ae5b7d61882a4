//! Where lines go: to standard error, at once or gathered for a moment.
//!
//! One system call for each request's line costs as much as finding its answer. So the lines that
//! can wait are gathered for some milliseconds and written together by a thread; anything else
//! takes what was gathered before it along, so that the order stays. Nothing is dropped: when more
//! than [`MOST`] is waiting, who has the next line writes it all.

use std::{
    io::Write,
    mem,
    sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError},
    thread,
    time::Duration,
};

use crate::log_counts;

/// How long lines are gathered.
const GATHER: Duration = Duration::from_millis(10);
/// How many bytes may wait.
const MOST: usize = 1 << 20;

/// Takes lines, each with its newline.
pub trait Sink {
    /// Takes a line. One that `can_wait` may be written a moment later, in its place.
    fn line(&self, line: &[u8], can_wait: bool);
}

impl<F: Fn(&[u8])> Sink for F {
    fn line(&self, line: &[u8], _: bool) {
        self(line);
    }
}

/// The lines of the whole process.
pub(crate) struct Gathering<'w, W>(pub(crate) &'w Gatherer<W>);

impl<W: Write> Sink for Gathering<'_, W> {
    fn line(&self, line: &[u8], can_wait: bool) {
        self.0.line(line, can_wait);
    }
}

/// Gathers lines.
pub(crate) struct Gatherer<W> {
    waiting: Mutex<Waiting>,
    first: Condvar,
    /// Held while lines are taken from those that wait and written.
    out: Mutex<W>,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    /// Whether a thread is there to write them.
    writer: bool,
    /// Whether it sleeps until there is one.
    asleep: bool,
}

impl<W: Write> Gatherer<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            waiting: Mutex::default(),
            first: Condvar::new(),
            out: Mutex::new(out),
        }
    }

    pub(crate) fn line(&self, line: &[u8], can_wait: bool) {
        if can_wait {
            let mut waiting = lock(&self.waiting);
            if waiting.writer && waiting.lines.len() + line.len() <= MOST {
                waiting.lines.extend_from_slice(line);
                if mem::take(&mut waiting.asleep) {
                    self.first.notify_one();
                }
                return;
            }
        }
        self.write(line);
    }

    /// Writes what was gathered, and then `line`.
    fn write(&self, line: &[u8]) {
        let mut out = lock(&self.out);
        let mut lines = mem::take(&mut lock(&self.waiting).lines);
        lines.extend_from_slice(line);
        // Nowhere to complain when standard error itself is gone, but in a metric.
        if out.write_all(&lines).is_err() {
            log_counts::dropped(&lines);
        }
        // Its room is used again, unless there is some already.
        lines.clear();
        let mut waiting = lock(&self.waiting);
        if waiting.lines.capacity() == 0 {
            waiting.lines = lines;
        }
    }

    /// Waits for a line, and a moment for more.
    fn gather(&self) {
        let mut waiting = lock(&self.waiting);
        waiting.writer = true;
        while waiting.lines.is_empty() {
            waiting.asleep = true;
            waiting = self
                .first
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        waiting.asleep = false;
        // Nobody notifies meanwhile.
        let _ = self.first.wait_timeout(waiting, GATHER);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

static STANDARD_ERROR: OnceLock<Gatherer<std::io::Stderr>> = OnceLock::new();

/// The process's standard error, with a thread that writes what was gathered. Without one (the
/// system gives none) each line is written at once.
pub(crate) fn standard_error() -> &'static Gatherer<std::io::Stderr> {
    STANDARD_ERROR.get_or_init(|| {
        let writing = || {
            let gatherer = STANDARD_ERROR.wait();
            loop {
                gatherer.gather();
                gatherer.write(b"");
            }
        };
        // Only it says that there is a writer, so nothing is gathered if it does not start.
        let _ = thread::Builder::new()
            .name("logs".to_owned())
            .spawn(writing);
        Gatherer::new(std::io::stderr())
    })
}

/// Writes all lines that wait. Call it last before the process ends.
pub fn flush_logs() {
    if let Some(gatherer) = STANDARD_ERROR.get() {
        gatherer.write(b"");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, atomic::AtomicUsize, atomic::Ordering};

    use super::*;

    #[derive(Clone, Default)]
    struct Out {
        bytes: Arc<Mutex<Vec<u8>>>,
        calls: Arc<AtomicUsize>,
    }

    impl Write for Out {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.calls.fetch_add(1, Ordering::Relaxed);
            lock(&self.bytes).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Out {
        fn text(&self) -> String {
            String::from_utf8(lock(&self.bytes).clone()).unwrap()
        }
    }

    #[test]
    fn without_a_thread_nothing_waits() {
        let out = Out::default();
        let gatherer = Gatherer::new(out.clone());
        gatherer.line(b"one\n", true);
        assert_eq!(out.text(), "one\n");
    }

    #[test]
    fn what_is_urgent_takes_along_what_waits() {
        let out = Out::default();
        let gatherer = Gatherer::new(out.clone());
        lock(&gatherer.waiting).writer = true;
        gatherer.line(b"one\n", true);
        gatherer.line(b"two\n", true);
        assert_eq!(out.text(), "");
        gatherer.line(b"failed\n", false);
        assert_eq!(out.text(), "one\ntwo\nfailed\n");
        assert_eq!(out.calls.load(Ordering::Relaxed), 1);
        gatherer.line(b"three\n", true);
        gatherer.write(b"");
        assert!(out.text().ends_with("failed\nthree\n"), "the end of all");
    }

    #[test]
    fn what_waits_is_bounded_and_nothing_is_dropped() {
        let out = Out::default();
        let gatherer = Gatherer::new(out.clone());
        lock(&gatherer.waiting).writer = true;
        let line = [b'x'; 1000];
        for _ in 0..5_000 {
            gatherer.line(&line, true);
            assert!(lock(&gatherer.waiting).lines.len() <= MOST);
        }
        gatherer.write(b"");
        assert_eq!(out.text().len(), 5_000 * line.len());
    }

    #[test]
    fn a_thread_writes_what_waits() {
        let out = Out::default();
        let gatherer = Gatherer::new(out.clone());
        thread::scope(|scope| {
            scope.spawn(|| {
                gatherer.gather();
                gatherer.write(b"");
            });
            // Whether the thread is there already or not.
            gatherer.line(b"one\n", true);
            while !lock(&gatherer.waiting).writer {
                thread::yield_now();
            }
            gatherer.line(b"two\n", true);
        });
        // The thread may have gone with the first one.
        gatherer.write(b"");
        assert_eq!(out.text(), "one\ntwo\n");
    }
}
