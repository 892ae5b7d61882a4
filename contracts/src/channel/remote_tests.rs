//! What becomes of calls when the other side does not behave.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, StatusCode, Uri};
use techcommerce_kernel::Meter;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::remote::{Lost, Payload, Remote};

const LIMIT: Duration = Duration::from_secs(5);

/// What the server does with a request.
#[derive(Clone, Copy)]
enum Manner {
    Answers,
    Closes,
    Hangs,
}

/// A server that treats the first, second, … request as told, and all after as the last.
struct Server {
    address: Uri,
    seen: Arc<AtomicUsize>,
}

impl Server {
    async fn start(manners: &'static [Manner]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, manners, Arc::clone(&counter)));
            }
        });
        Self {
            address: address.parse().unwrap(),
            seen,
        }
    }

    fn seen(&self) -> usize {
        self.seen.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, manners: &[Manner], seen: Arc<AtomicUsize>) {
    let mut buffer = vec![0; 4096];
    while let Ok(read @ 1..) = stream.read(&mut buffer).await {
        assert!(buffer[..read].windows(4).any(|end| end == b"\r\n\r\n"));
        let number = seen.fetch_add(1, Ordering::SeqCst);
        match manners[number.min(manners.len() - 1)] {
            Manner::Answers => {
                let answer = b"HTTP/1.1 204 No Content\r\n\r\n";
                stream.write_all(answer).await.unwrap();
            }
            Manner::Closes => return,
            Manner::Hangs => std::future::pending().await,
        }
    }
}

async fn send(remote: &Remote, method: Method, idempotent: bool) -> Result<StatusCode, Lost> {
    let mut request = Request::new(Payload::Bytes(Bytes::new()));
    *request.method_mut() = method;
    let answer = remote.send(LIMIT, request, idempotent).await?;
    Ok(answer.status())
}

#[tokio::test]
async fn what_can_be_repeated_is() {
    let server = Server::start(&[Manner::Closes, Manner::Closes, Manner::Answers]).await;
    let remote = Remote::new(server.address.clone(), Meter::default());
    let status = send(&remote, Method::GET, false).await.unwrap();
    assert_eq!((status, server.seen()), (StatusCode::NO_CONTENT, 3));
}

#[tokio::test]
async fn what_must_not_happen_twice_is_not_repeated() {
    let server = Server::start(&[Manner::Closes, Manner::Answers]).await;
    let remote = Remote::new(server.address.clone(), Meter::default());
    let lost = send(&remote, Method::POST, false).await.unwrap_err();
    assert!(matches!(lost, Lost::BrokenOff(_)), "{lost:?}");
    assert_eq!(server.seen(), 1);
    send(&remote, Method::POST, false).await.unwrap();
    assert_eq!(server.seen(), 2);
}

#[tokio::test]
async fn a_post_that_is_known_by_its_key_is_repeated() {
    let server = Server::start(&[Manner::Closes, Manner::Answers]).await;
    let remote = Remote::new(server.address.clone(), Meter::default());
    send(&remote, Method::POST, true).await.unwrap();
    assert_eq!(server.seen(), 2);
}

#[tokio::test]
async fn repeats_end_and_then_the_service_is_left_alone() {
    let server = Server::start(&[Manner::Closes]).await;
    let remote = Remote::new(server.address.clone(), Meter::default());
    for _ in 0..100 {
        assert!(send(&remote, Method::GET, false).await.is_err());
    }
    assert!((3..10).contains(&server.seen()), "{}", server.seen());
    let lost = send(&remote, Method::GET, false).await.unwrap_err();
    assert!(matches!(lost, Lost::LeftAlone(_)), "{lost:?}");
}

#[tokio::test]
async fn nobody_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let remote = Remote::new(
        format!("http://{address}").parse().unwrap(),
        Meter::default(),
    );
    let lost = send(&remote, Method::POST, false).await.unwrap_err();
    assert!(matches!(lost, Lost::NotSent(_)), "{lost:?}");
}

#[tokio::test]
async fn a_service_that_hangs_is_not_asked_again() {
    let server = Server::start(&[Manner::Hangs]).await;
    let remote = Remote::new(server.address.clone(), Meter::default());
    let request = Request::new(Payload::Bytes(Bytes::new()));
    let limit = Duration::from_millis(50);
    let lost = remote.send(limit, request, true).await.unwrap_err();
    assert!(matches!(lost, Lost::Late), "{lost:?}");
    assert_eq!(server.seen(), 1);
}
