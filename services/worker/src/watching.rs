//! Looking at how the services' things stand.

use std::time::Duration;

use techcommerce_jobs::Watch;
use techcommerce_runtime::Task;
use tokio::time::{sleep, timeout};

/// How often it is looked.
const EVERY: Duration = Duration::from_secs(10);
/// How long one look may take: a database that is away or slow must not hold up the others.
const WITHIN: Duration = Duration::from_secs(8);

/// Looks until it is told to stop, if there is anything to look at.
pub(crate) fn task(service: &'static str, watches: Vec<Box<dyn Watch>>) -> Option<Task> {
    if watches.is_empty() {
        return None;
    }
    Some(Task::new("watch", move |stop| async move {
        let looking = async {
            loop {
                for watch in &watches {
                    look(service, watch.as_ref()).await;
                }
                sleep(EVERY).await;
            }
        };
        stop.token().run_until_cancelled(looking).await;
        Ok(())
    }))
}

async fn look(service: &str, watch: &dyn Watch) {
    match timeout(WITHIN, watch.look()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(service, ?error, "how things stand is not known"),
        Err(_late) => tracing::debug!(service, "how things stand was not known in time"),
    }
}
