//! Where pictures are decoded and encoded.

use std::sync::Arc;

use techcommerce_contracts::codes::IMAGE_REFUSED;
use techcommerce_kernel::Error;
use tokio::sync::Semaphore;

/// One picture at a time, for each needs memory for all its pixels, and away from the threads
/// that serve requests. Clones share the place.
#[derive(Debug, Clone)]
pub(crate) struct Preparing(Arc<Semaphore>);

impl Default for Preparing {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Preparing {
    /// Waits for the place and runs `work`.
    ///
    /// # Errors
    /// Those of `work`; `image_refused` (400) if the picture makes it panic, for whoever sent
    /// such a picture is to hear that it is the picture.
    pub async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.0.clone().acquire_owned().await;
        let permit = permit.map_err(Error::internal)?;
        let done = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            work()
        });
        match done.await {
            Ok(done) => done,
            Err(error) if error.is_panic() => {
                // The panic itself is a line of its own, as an error.
                tracing::warn!("a picture made its decoder panic and was refused");
                Err(Error::invalid(
                    IMAGE_REFUSED,
                    "The picture is broken in a way that we cannot handle.",
                )
                .caused_by(error))
            }
            Err(error) => Err(Error::internal(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_refusal_and_gives_the_place_back() {
        let preparing = Preparing::default();
        let refused = preparing.run(|| -> Result<(), Error> { panic!("a bug of a decoder") });
        assert_eq!(refused.await.unwrap_err().code(), IMAGE_REFUSED);
        assert_eq!(preparing.run(|| Ok(1)).await.unwrap(), 1);
    }
}
