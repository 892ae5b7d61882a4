//! Whole processes on loopback: start, serve, stop, fail.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::routing::{get, post};
use serde_json::Value;
use techcommerce_contracts::Channel;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, oneshot},
};

use super::*;

const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// What happened, in order.
type Diary = Arc<Mutex<Vec<String>>>;

fn module(service: Service, needs: &[Service], router: Router, tasks: Vec<Task>) -> Module {
    Module {
        service,
        needs: needs.to_vec(),
        router,
        health: Health::new(service, Vec::new()),
        tasks,
    }
}

fn task(name: &'static str, diary: &Diary) -> Task {
    let diary = diary.clone();
    Task::new(name, move |stop| async move {
        diary.lock().unwrap().push(format!("{name} starts"));
        stop.requested().await;
        diary.lock().unwrap().push(format!("{name} stops"));
        Ok(())
    })
}

fn starter() -> Starter {
    Starter::new(Telemetry::new("test", "test"), Switchboard::new([]))
}

async fn listener() -> (Listener, SocketAddr) {
    let listener = Listener::bind(LOOPBACK, 0, "listen.port").await.unwrap();
    let address = listener.address();
    (listener, address)
}

/// A process in the background.
struct Process {
    shutdown: Shutdown,
    ended: JoinHandle<Result<(), Error>>,
}

impl Process {
    /// Runs it and waits until it is ready.
    async fn start(starter: Starter) -> Self {
        let shutdown = Shutdown::new();
        let (ready, is_ready) = oneshot::channel();
        let ended = tokio::spawn(starter.run(shutdown.clone(), move || {
            let _ = ready.send(());
        }));
        is_ready.await.unwrap();
        Self { shutdown, ended }
    }

    async fn stop(self) -> Result<(), Error> {
        self.shutdown.request();
        self.ended.await.unwrap()
    }
}

/// Sends one request on a connection of its own and reads the answer to its end.
async fn ask(address: SocketAddr, method: &str, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test]
async fn modules_start_by_need_and_stop_in_reverse() {
    let diary = Diary::default();
    let (listener, address) = listener().await;
    let hello = Router::new().route("/", get(|| async { "hello" }));
    let starter = starter()
        .module(module(
            Service::Frontend,
            &[Service::Api],
            hello,
            vec![task("frontend", &diary)],
        ))
        .module(module(
            Service::Api,
            &[],
            Router::new(),
            vec![task("api", &diary)],
        ))
        .listen(Service::Frontend, listener);
    let process = Process::start(starter).await;
    let answer = ask(address, "GET", "/").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(answer.ends_with("hello"));
    process.stop().await.unwrap();
    assert_eq!(
        *diary.lock().unwrap(),
        [
            "api starts",
            "frontend starts",
            "frontend stops",
            "api stops"
        ]
    );
    assert!(ask(address, "GET", "/").await.is_err(), "nobody listens");
}

#[tokio::test]
async fn what_is_below_a_prefix_goes_straight_to_its_service() {
    let (listener, address) = listener().await;
    let says = |text: &'static str| Router::new().fallback(move || async move { text });
    let starter = starter()
        .module(module(Service::Frontend, &[], says("the shop"), vec![]))
        .module(module(Service::Api, &[], says("the interface"), vec![]))
        .listen(Service::Frontend, listener)
        .straight("/api/", Service::Api);
    let process = Process::start(starter).await;
    for (path, wanted) in [
        ("/", "the shop"),
        ("/apiary", "the shop"),
        ("/api/", "the shop"),
        ("/api/x?y", "the interface"),
        ("/api/../x", "the interface"),
        ("/x/../api/y", "the shop"),
    ] {
        let answer = ask(address, "GET", path).await.unwrap();
        assert!(answer.ends_with(wanted), "{path}: {answer}");
    }
    process.stop().await.unwrap();
}

#[tokio::test]
async fn services_reach_each_other_in_the_process() {
    let switchboard = Switchboard::new([]);
    let auth = switchboard.channel(Service::Auth);
    let (listener, address) = listener().await;
    let through = |channel: Channel| {
        get(move || async move {
            let request = http::Request::get("/me").body(axum::body::Body::empty());
            let answer = channel.call(request.unwrap()).await.unwrap();
            answer.status().as_str().to_owned()
        })
    };
    let starter = Starter::new(Telemetry::new("test", "test"), switchboard)
        .module(module(
            Service::Api,
            &[Service::Auth],
            Router::new().route("/through", through(auth)),
            Vec::new(),
        ))
        .module(module(
            Service::Auth,
            &[],
            Router::new().route("/me", get(|| async { "me" })),
            Vec::new(),
        ))
        .listen(Service::Api, listener);
    let process = Process::start(starter).await;
    let answer = ask(address, "GET", "/through").await.unwrap();
    assert!(answer.ends_with("200"), "{answer}");
    process.stop().await.unwrap();
}

#[tokio::test]
async fn the_management_listener_shows_all_services() {
    let (management, address) = listener().await;
    let api = module(Service::Api, &[], Router::new(), Vec::new());
    let health = api.health.clone();
    let auth = module(Service::Auth, &[], Router::new(), Vec::new());
    let starter = starter().module(api).module(auth).management(management);
    let process = Process::start(starter).await;

    let metrics = ask(address, "GET", "/metrics").await.unwrap();
    assert!(metrics.contains("content-type: text/plain; version=0.0.4"));
    assert!(metrics.contains("techcommerce_build_info{"), "{metrics}");
    for path in [
        "/live",
        "/healthz",
        "/readyz",
        "/health",
        "/api/readyz",
        "/auth/health",
    ] {
        let answer = ask(address, "GET", path).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{path}: {answer}");
    }
    health.set_draining();
    let answer = ask(address, "GET", "/readyz").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let document: Value = serde_json::from_str(body).unwrap();
    assert_eq!(document["services"]["api"]["status"], "draining");
    assert_eq!(document["services"]["auth"]["status"], "ready");
    let answer = ask(address, "GET", "/auth/readyz").await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"));
    process.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_is_seen_first_and_finishes_what_is_under_way() {
    let (entered, gate) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let slow = {
        let (entered, gate) = (entered.clone(), gate.clone());
        post(move || async move {
            entered.notify_one();
            gate.notified().await;
            "done"
        })
    };
    let (listener, address) = listener().await;
    let api = module(
        Service::Api,
        &[],
        Router::new().route("/slow", slow),
        Vec::new(),
    );
    let health = api.health.clone();
    let starter = starter().module(api).listen(Service::Api, listener);
    let process = Process::start(starter).await;
    let request = tokio::spawn(async move { ask(address, "POST", "/slow").await });
    // A browser may hold a connection open on which it never sends anything.
    let idle = TcpStream::connect(address).await.unwrap();
    entered.notified().await;
    process.shutdown.request();
    // New connections are refused while the old request is under way.
    while ask(address, "GET", "/").await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(health.state(), techcommerce_http::State::Draining);
    assert!(!process.ended.is_finished());
    gate.notify_one();
    let answer = request.await.unwrap().unwrap();
    assert!(answer.ends_with("done"), "{answer}");
    process.ended.await.unwrap().unwrap();
    drop(idle);
}

/// While balancers find out, requests are answered on old connections and new ones, and each
/// answer says that its connection ends.
#[tokio::test]
async fn a_stop_turns_clients_away_without_losing_a_request() {
    let (listener, address) = listener().await;
    let hello = Router::new().route("/", get(|| async { "hello" }));
    let api = module(Service::Api, &[], hello, Vec::new());
    let health = api.health.clone();
    let starter = starter()
        .module(api)
        .listen(Service::Api, listener)
        .unready_for(Duration::from_secs(60));
    let process = Process::start(starter).await;
    let mut kept = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 1024];
    let mut answers = Vec::new();
    for round in 0..2 {
        if round == 1 {
            process.shutdown.request();
            while health.state() != techcommerce_http::State::Draining {
                tokio::task::yield_now().await;
            }
        }
        kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let length = kept.read(&mut buffer).await.unwrap();
        answers.push(String::from_utf8_lossy(&buffer[..length]).into_owned());
    }
    assert!(
        answers
            .iter()
            .all(|answer| answer.starts_with("HTTP/1.1 200"))
    );
    assert!(!answers[0].contains("connection: close"), "{}", answers[0]);
    assert!(answers[1].contains("connection: close"), "{}", answers[1]);
    assert_eq!(kept.read(&mut buffer).await.unwrap(), 0, "and it ends");
    let fresh = ask(address, "GET", "/").await.unwrap();
    assert!(fresh.starts_with("HTTP/1.1 200"), "{fresh}");
    process.ended.abort();
}

/// Who sends more than is wanted still reads why it was refused.
#[tokio::test]
async fn a_body_that_nobody_reads_does_not_break_the_answer() {
    let (listener, address) = listener().await;
    let refuse = Router::new().route("/", post(|| async { http::StatusCode::PAYLOAD_TOO_LARGE }));
    let starter = starter()
        .module(module(Service::Api, &[], refuse, Vec::new()))
        .listen(Service::Api, listener);
    let process = Process::start(starter).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let size = 16 << 20;
    let head = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {size}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    // Sent to its end before anything is read, as simple clients do.
    stream.write_all(&vec![b'x'; size]).await.unwrap();
    let mut buffer = [0; 1024];
    let length = stream.read(&mut buffer).await.unwrap();
    let answer = String::from_utf8_lossy(&buffer[..length]);
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
    process.stop().await.unwrap();
}

#[tokio::test]
async fn a_stop_waits_for_changes_whose_client_went_away() {
    let api = module(Service::Api, &[], Router::new(), Vec::new());
    let gate = Arc::new(Notify::new());
    let diary = Diary::default();
    let (waits, notes) = (gate.clone(), diary.clone());
    api.health.work().spawn(async move {
        waits.notified().await;
        notes.lock().unwrap().push("the change is done".to_owned());
    });
    let watcher = task("worker", &diary);
    let health = api.health.clone();
    let worker = module(Service::Worker, &[], Router::new(), vec![watcher]);
    let process = Process::start(starter().module(api).module(worker)).await;
    process.shutdown.request();
    while health.state() != techcommerce_http::State::Draining {
        tokio::task::yield_now().await;
    }
    gate.notify_one();
    process.ended.await.unwrap().unwrap();
    assert_eq!(
        *diary.lock().unwrap(),
        ["worker starts", "the change is done", "worker stops"]
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_is_cut_off_after_the_grace() {
    let stuck = Task::new("stuck", |_| std::future::pending());
    let api = module(Service::Api, &[], Router::new(), vec![stuck]);
    api.health.work().spawn(std::future::pending::<()>());
    let starter = starter()
        .module(api)
        .grace(Duration::from_secs(20))
        .unready_for(Duration::from_secs(5));
    let process = Process::start(starter).await;
    let before = Instant::now();
    process.stop().await.unwrap();
    assert_eq!(before.elapsed().as_secs(), 5 + 20 + 5);
}

#[tokio::test]
async fn one_failure_ends_all_with_its_error() {
    for panics in [false, true] {
        let diary = Diary::default();
        let fails = Task::new("fails", move |_| async move {
            assert!(!panics, "planted");
            Err(Error::unavailable("the database went away"))
        });
        let starter = starter()
            .module(module(
                Service::Auth,
                &[],
                Router::new(),
                vec![task("auth", &diary)],
            ))
            .module(module(
                Service::Api,
                &[Service::Auth],
                Router::new(),
                vec![fails],
            ));
        let process = Process::start(starter).await;
        let error = process.ended.await.unwrap().unwrap_err();
        let text = format!("{error:?}");
        let expected = if panics {
            "fails of api panicked"
        } else {
            "the database went away"
        };
        assert!(text.contains(expected), "{text}");
        assert_eq!(*diary.lock().unwrap(), ["auth starts", "auth stops"]);
    }
}

#[tokio::test]
async fn a_task_may_be_done_early() {
    let once = Task::new("once", |_| async { Ok(()) });
    let starter = starter().module(module(Service::Api, &[], Router::new(), vec![once]));
    let process = Process::start(starter).await;
    tokio::task::yield_now().await;
    assert!(!process.ended.is_finished());
    process.stop().await.unwrap();
}

#[tokio::test]
async fn a_listener_without_its_service_is_refused() {
    let (listener, _) = listener().await;
    let starter = starter().listen(Service::Api, listener);
    let error = starter.run(Shutdown::new(), || {}).await.unwrap_err();
    assert!(format!("{error:?}").contains("api has a listener"));
}

#[tokio::test]
async fn connections_are_kept_and_bounded() {
    let (listener, address) = listener().await;
    let hello = Router::new().route("/", get(|| async { "hello" }));
    let starter = starter()
        .module(module(Service::Api, &[], hello, Vec::new()))
        .limits(ServerLimits {
            connections: 1,
            ..ServerLimits::default()
        })
        .listen(Service::Api, listener);
    let process = Process::start(starter).await;
    let mut kept = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 1024];
    for _ in 0..2 {
        kept.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let length = kept.read(&mut buffer).await.unwrap();
        assert!(String::from_utf8_lossy(&buffer[..length]).starts_with("HTTP/1.1 200"));
    }
    // The second connection is served when the first gives up its place.
    let second = tokio::spawn(async move { ask(address, "GET", "/").await });
    tokio::task::yield_now().await;
    assert!(!second.is_finished());
    drop(kept);
    assert!(second.await.unwrap().unwrap().ends_with("hello"));
    process.stop().await.unwrap();
}
