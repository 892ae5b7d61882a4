//! Looks names up and lets only addresses through that may be asked.

use std::{
    error::Error as StdError,
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use hyper_util::client::legacy::connect::dns::Name;

use super::guard::HostsAllowed;

/// What a name stands for; the ports do not matter.
type Lookup = dyn Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync;

/// Looks names up: the connection is made to just the addresses that it lets through, so nothing
/// else can stand behind the name a moment later. An address that is written as numbers is not
/// looked up: [`super::guard::check`] decides about those.
#[derive(Clone)]
pub struct Resolver {
    allowed: HostsAllowed,
    lookup: Arc<Lookup>,
}

impl Resolver {
    /// As the machine looks names up.
    pub fn system(allowed: HostsAllowed) -> Self {
        Self::new(allowed, |name| {
            (name, 0).to_socket_addrs().map(Vec::from_iter)
        })
    }

    /// Looks names up by `lookup`, which may block.
    pub fn new(
        allowed: HostsAllowed,
        lookup: impl Fn(&str) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        let lookup = Arc::new(lookup);
        Self { allowed, lookup }
    }

    async fn open(self, host: String) -> io::Result<Vec<SocketAddr>> {
        let (lookup, looked_up) = (self.lookup, host.clone());
        let addresses = tokio::task::spawn_blocking(move || lookup(&looked_up));
        let addresses = addresses.await.map_err(io::Error::other)??;
        let may = |address: &SocketAddr| self.allowed.may_connect(&host, address.ip());
        let open: Vec<SocketAddr> = addresses.into_iter().filter(may).collect();
        if open.is_empty() {
            let why = format!("{host} stands for no address of the open internet");
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, Inside(why)));
        }
        Ok(open)
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver")
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}

impl tower::Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let open = self.clone().open(name.as_str().to_owned());
        Box::pin(async move { Ok(open.await?.into_iter()) })
    }
}

/// A name stands for addresses that may not be asked.
#[derive(Debug)]
struct Inside(String);

impl fmt::Display for Inside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for Inside {}

/// What the guard said, if it was the guard that spoke.
pub fn inside(error: &(dyn StdError + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(inside) = error.downcast_ref::<Inside>() {
            return Some(inside.0.clone());
        }
        let wrapped = error
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        if let Some(inside) = wrapped.and_then(|inner| inner.downcast_ref::<Inside>()) {
            return Some(inside.0.clone());
        }
        cause = error.source();
    }
    None
}

/// An error with its causes, in a line.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    /// A name that stands for the open internet when it is looked up first, and for the machine
    /// itself from then on.
    #[tokio::test]
    async fn a_name_that_changes_its_mind_leads_nowhere() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&asked);
        let resolver = Resolver::new(HostsAllowed::default(), move |_| {
            Ok(vec![match counter.fetch_add(1, Ordering::Relaxed) {
                0 => ([8, 8, 8, 8], 0).into(),
                _ => ([127, 0, 0, 1], 0).into(),
            }])
        });
        let first = resolver.clone().open("rebind.example".into()).await;
        assert_eq!(first.unwrap(), [([8, 8, 8, 8], 0).into()]);
        let error = resolver.open("rebind.example".into()).await.unwrap_err();
        let told = inside(&error).unwrap();
        assert!(told.contains("no address of the open internet"), "{told}");
        assert_eq!(asked.load(Ordering::Relaxed), 2);
    }

    #[tokio::test]
    async fn of_many_addresses_only_the_open_ones_are_asked() {
        let mixed = |_: &str| {
            let open: SocketAddr = ([1, 1, 1, 1], 0).into();
            Ok(vec![([10, 0, 0, 1], 0).into(), open])
        };
        let resolver = Resolver::new(HostsAllowed::default(), mixed);
        let open = resolver.open("mixed.example".into()).await.unwrap();
        assert_eq!(open, [([1, 1, 1, 1], 0).into()]);
        let allowed = HostsAllowed::parse(["mixed.example"]).unwrap();
        let resolver = Resolver::new(allowed, mixed);
        let all = resolver.open("mixed.example".into()).await.unwrap();
        assert_eq!(all.len(), 2);
    }
}
