//! What is refused, what rests, and what counts.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;

use techcommerce_kernel::Error;
use tokio::time::{advance, sleep};

use super::*;

/// A file, and a server that knows one password.
#[derive(Clone, Default)]
struct World {
    file: Arc<Mutex<Option<String>>>,
    password: Arc<Mutex<String>>,
    tried: Arc<AtomicUsize>,
}

impl World {
    fn new() -> (Self, Current<String>) {
        let world = Self::default();
        world.mount(Some("first"));
        world.know("first");
        let read = world.clone();
        let source = Source::new("redis_url", "first".to_owned(), move || {
            let file = read.file.lock().unwrap().clone();
            file.ok_or_else(|| Error::invalid("configuration", "cannot be read"))
        });
        let server = world.clone();
        let current = Current::following("first".to_owned(), source, move |text| {
            let server = server.clone();
            async move {
                server.tried.fetch_add(1, Ordering::Relaxed);
                // As a server that takes its time, so that others come meanwhile.
                sleep(Duration::from_millis(10)).await;
                match *server.password.lock().unwrap() == text {
                    true => Ok(text),
                    false => Err(Error::unavailable("refused")),
                }
            }
        });
        (world, current)
    }

    fn mount(&self, text: Option<&str>) {
        *self.file.lock().unwrap() = text.map(str::to_owned);
    }

    fn know(&self, password: &str) {
        password.clone_into(&mut self.password.lock().unwrap());
    }

    fn tried(&self) -> usize {
        self.tried.load(Ordering::Relaxed)
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_does_not_count_and_rests_longer_each_time() {
    let (world, current) = World::new();
    assert!(!current.look(Look::Due).await.unwrap());
    assert_eq!(world.tried(), 0, "nothing changed");

    world.mount(Some("second"));
    current.look(Look::Due).await.unwrap_err();
    assert_eq!(*current.get(), "first");
    for _ in 0..120 {
        advance(Duration::from_secs(1)).await;
        let _ = current.look(Look::Due).await;
    }
    let tried = world.tried();
    assert!(
        (5..=9).contains(&tried),
        "tried {tried} times in two minutes"
    );

    // Somebody asks: at once.
    world.know("second");
    assert!(!current.look(Look::Due).await.unwrap(), "it rests");
    assert!(current.look(Look::Asked).await.unwrap());
    assert_eq!(*current.get(), "second");
}

#[tokio::test(start_paused = true)]
async fn another_value_does_not_rest_for_the_one_before() {
    let (world, current) = World::new();
    world.mount(Some("wrong"));
    current.look(Look::Due).await.unwrap_err();
    world.know("second");
    world.mount(Some("second"));
    assert!(current.look(Look::Due).await.unwrap());
    // And back, for what was in force once is nothing special.
    world.know("first");
    world.mount(Some("first"));
    assert!(current.look(Look::Due).await.unwrap());
    assert_eq!(*current.get(), "first");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_away_changes_nothing() {
    let (world, current) = World::new();
    world.mount(None);
    current.look(Look::Due).await.unwrap_err();
    assert_eq!((world.tried(), &**current.get()), (0, "first"));
    world.mount(Some("first"));
    assert!(!current.look(Look::Due).await.unwrap());
}

#[tokio::test(start_paused = true)]
async fn whoever_is_refused_gets_the_next_one_and_one_looks_for_all() {
    let (world, current) = World::new();
    let old = current.get();
    assert!(current.instead_of(&old).await.is_none());
    world.mount(Some("second"));
    world.know("second");
    let (a, b, c) = tokio::join!(
        current.instead_of(&old),
        current.instead_of(&old),
        current.instead_of(&old)
    );
    for other in [a, b, c] {
        assert_eq!(*other.unwrap(), "second");
    }
    assert_eq!(world.tried(), 1);
}

#[tokio::test(start_paused = true)]
async fn refused_ones_do_not_storm_the_server() {
    let (world, current) = World::new();
    let old = current.get();
    world.mount(Some("wrong"));
    let begin = Instant::now();
    let crowd = (0..100).map(|_| {
        let (current, old) = (current.clone(), Arc::clone(&old));
        tokio::spawn(async move { current.instead_of(&old).await })
    });
    for one in crowd.collect::<Vec<_>>() {
        assert!(one.await.unwrap().is_none());
    }
    assert!(world.tried() <= 2, "{}", world.tried());
    for _ in 0..8 {
        assert!(current.instead_of(&old).await.is_none());
    }
    let seconds = begin.elapsed().as_secs_f64();
    assert!(world.tried() <= 2 + 8, "{}", world.tried());
    assert!(seconds >= 8.0 * 0.25, "{seconds}");
}

/// The server changed its mind just after it was tried.
#[tokio::test(start_paused = true)]
async fn whoever_is_refused_has_it_tried_after_that() {
    let (world, current) = World::new();
    let old = current.get();
    world.mount(Some("second"));
    current.look(Look::Due).await.unwrap_err();
    world.know("second");
    assert_eq!(*current.instead_of(&old).await.unwrap(), "second");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_change_is_not_looked_at() {
    let current = Current::following(1, Source::fixed(1), |_: i32| async {
        Err(Error::unavailable("never"))
    });
    assert!(!current.may_change());
    assert!(!current.look(Look::Asked).await.unwrap());
    let one = current.get();
    assert!(current.instead_of(&one).await.is_none());
}

#[test]
fn a_source_is_parsed_then_and_later_and_shows_nothing() {
    let file = Arc::new(Mutex::new("2".to_owned()));
    let read = Arc::clone(&file);
    let source = Source::new("a.key", "1".to_owned(), move || {
        Ok(read.lock().unwrap().clone())
    });
    assert_eq!(format!("{source:?}"), "Source(\"a.key\")");
    let parse = |text: String| {
        let wrong = |_| Error::invalid("configuration", "no number");
        text.parse::<u32>().map_err(wrong)
    };
    let source = source.map(parse).unwrap();
    assert_eq!(*source.value(), 1);
    let read = source.read.unwrap();
    assert_eq!(read().unwrap(), 2);
    "x".clone_into(&mut file.lock().unwrap());
    assert!(read().is_err());
}
