//! Secrets in files, which may change while the process runs: all are followed here, each in a
//! task of its own, so that a server which does not answer holds up no other one.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use techcommerce_config::Secret;
use techcommerce_follow::{Follow, Look, Source};
use techcommerce_kernel::Error;
use techcommerce_runtime::Shutdown;
use tokio::task::JoinSet;

/// How often it is looked: a mounted file tells nobody that it changed.
const EVERY: Duration = Duration::from_secs(2);

/// What is followed in this process. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Following {
    over: Shutdown,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

impl Following {
    /// Lets `followed` look every two seconds, and at once on SIGHUP.
    ///
    /// # Errors
    /// The signal cannot be heard.
    pub fn follow(&self, followed: impl Follow + 'static) -> Result<(), Error> {
        if !followed.may_change() {
            return Ok(());
        }
        let mut hang_up = HangUp::listen()?;
        let over = self.over.clone();
        let looking = async move {
            loop {
                let why = tokio::select! {
                    () = over.requested() => return,
                    () = tokio::time::sleep(EVERY) => Look::Due,
                    () = hang_up.next() => Look::Asked,
                };
                tokio::select! {
                    () = over.requested() => return,
                    () = followed.look(why) => {}
                }
            }
        };
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.spawn(looking);
        Ok(())
    }

    /// Follows nothing any more.
    pub async fn end(&self) {
        self.over.request();
        let mut tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        while tasks.join_next().await.is_some() {}
    }
}

/// The secret of the setting `key`, read again where it stands in a file.
pub fn source(key: impl Into<String>, secret: &Secret) -> Source<String> {
    let value = secret.expose().to_owned();
    if secret.file().is_none() {
        return Source::fixed(value);
    }
    let secret = secret.clone();
    Source::new(key.into(), value, move || read_again(&secret))
}

/// Two that belong together, read again where one of them stands in a file.
pub fn pair(keys: &str, first: &Secret, second: &Secret) -> Source<(String, String)> {
    let value = (first.expose().to_owned(), second.expose().to_owned());
    if first.file().is_none() && second.file().is_none() {
        return Source::fixed(value);
    }
    let (first, second) = (first.clone(), second.clone());
    Source::new(keys.to_owned(), value, move || {
        Ok((read_again(&first)?, read_again(&second)?))
    })
}

fn read_again(secret: &Secret) -> Result<String, Error> {
    let again = secret.read_again().map_err(|error| {
        let file = secret.file().map(|file| file.display().to_string());
        let file = file.unwrap_or_default();
        Error::invalid("configuration", format!("cannot read {file}: {error}"))
    })?;
    match again.expose() {
        "" => Err(Error::invalid("configuration", "its file is empty")),
        text => Ok(text.to_owned()),
    }
}

/// Somebody asks for files to be read again.
#[cfg(unix)]
struct HangUp(tokio::signal::unix::Signal);

#[cfg(unix)]
impl HangUp {
    fn listen() -> Result<Self, Error> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self(signal(SignalKind::hangup())?))
    }

    async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(not(unix))]
struct HangUp;

#[cfg(not(unix))]
impl HangUp {
    fn listen() -> Result<Self, Error> {
        Ok(Self)
    }

    async fn next(&mut self) {
        std::future::pending::<()>().await;
    }
}

#[cfg(all(test, unix))]
mod tests {
    use tokio::sync::mpsc;

    use super::*;

    struct Told(mpsc::UnboundedSender<Look>);

    impl Follow for Told {
        async fn look(&self, why: Look) {
            let _ = self.0.send(why);
        }

        fn may_change(&self) -> bool {
            true
        }
    }

    /// Each test is a process of its own, so the signal reaches nobody else's.
    #[tokio::test]
    async fn it_is_looked_by_the_clock_and_when_somebody_asks() {
        let (told, mut looks) = mpsc::unbounded_channel();
        let following = Following::default();
        following.follow(Told(told)).unwrap();
        let hang_up = std::process::Command::new("kill")
            .args(["-HUP", &std::process::id().to_string()])
            .status();
        assert!(hang_up.unwrap().success());
        let mut seen = vec![looks.recv().await.unwrap()];
        while !(seen.contains(&Look::Asked) && seen.contains(&Look::Due)) {
            seen.push(looks.recv().await.unwrap());
            assert!(seen.len() < 10, "{seen:?}");
        }
        following.end().await;
        while looks.try_recv().is_ok() {}
        assert_eq!(looks.recv().await, None, "nobody looks any more");
    }

    #[test]
    fn what_stands_in_no_file_is_not_followed() {
        let (one, other) = (Secret::new("a"), Secret::new("b"));
        assert!(!source("redis_url", &one).may_change());
        assert!(!pair("both", &one, &other).may_change());
    }

    #[test]
    fn two_files_are_one_secret_and_an_empty_one_is_none() {
        let folder = techcommerce_testkit::folder();
        let file = |name: &str| folder.path().join(name);
        std::fs::write(file("access"), "key-1\n").unwrap();
        std::fs::write(file("secret"), "secret-1\n").unwrap();
        let path = |name: &str| file(name).display().to_string();
        let sources = techcommerce_config::Sources {
            environment: vec![
                (
                    "TECHCOMMERCE_IMAGES_S3_ACCESS_KEY_FILE".into(),
                    path("access"),
                ),
                (
                    "TECHCOMMERCE_IMAGES_S3_SECRET_KEY_FILE".into(),
                    path("secret"),
                ),
            ],
            ..techcommerce_config::Sources::default()
        };
        let images = techcommerce_config::load(&sources).unwrap().settings.images;
        let (access, secret) = (images.s3_access_key.unwrap(), images.s3_secret_key.unwrap());
        let both = pair("both", &access, &secret);
        assert!(both.may_change());
        assert_eq!(*both.value(), ("key-1".to_owned(), "secret-1".to_owned()));
        std::fs::write(file("secret"), "\n").unwrap();
        let error = read_again(&secret).unwrap_err();
        assert!(error.message().contains("empty"), "{error}");
        std::fs::remove_file(file("secret")).unwrap();
        let error = read_again(&secret).unwrap_err();
        assert!(error.message().contains("cannot read"), "{error}");
    }
}
