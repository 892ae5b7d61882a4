//! One suite for every store of sessions.

use std::{net::SocketAddr, time::Duration};

use techcommerce_kernel::{Env, ManualClock, Uuid};
use techcommerce_store::Dialect;
use techcommerce_testkit::{TestDb, TestRedis};
use tokio::{
    net::{TcpListener, TcpStream},
    task::{JoinHandle, JoinSet},
};

use super::*;
use crate::{MIGRATOR, accounts::tests::account, token};

const IDLE: Duration = Duration::from_secs(14 * 24 * 3600);

struct Suite {
    sessions: Sessions,
    env: Env,
    clock: ManualClock,
    one: Uuid,
    two: Uuid,
}

impl Suite {
    async fn begin(&self, account: Uuid, name: &str) -> (TokenHash, Session) {
        let now = self.env.now();
        let session = Session {
            id: self.env.new_id(),
            account_id: account,
            generation: 1,
            user_agent: name.to_owned(),
            created_at: now,
            last_seen_at: now,
            expires_at: now + IDLE,
        };
        let token = token::hash(name);
        self.sessions.create(&token, &session).await.unwrap();
        (token, session)
    }

    async fn names(&self, account: Uuid) -> Vec<String> {
        let sessions = self.sessions.list(account, self.env.now()).await.unwrap();
        sessions
            .into_iter()
            .map(|session| session.user_agent)
            .collect()
    }

    async fn run(self) {
        let find =
            async |token: &TokenHash| self.sessions.find(token, self.env.now()).await.unwrap();
        self.sessions.ping().await.unwrap();

        // What was begun is found by its token, and only by it.
        let (phone, begun) = self.begin(self.one, "phone").await;
        assert_eq!(find(&phone).await, Some(begun.clone()));
        assert_eq!(find(&token::hash("unknown")).await, None);

        // It is listed with its account's others, the latest first.
        self.clock.advance(Duration::from_secs(1));
        let (laptop, other) = self.begin(self.one, "laptop").await;
        let (tablet, _) = self.begin(self.two, "tablet").await;
        assert_eq!(self.names(self.one).await, ["laptop", "phone"]);
        assert_eq!(self.names(self.two).await, ["tablet"]);

        // Use is written down once an hour and moves the end.
        assert_eq!(begun.touched(self.env.now(), IDLE), None);
        self.clock.advance(Duration::from_secs(3600));
        let touched = begun.touched(self.env.now(), IDLE).unwrap();
        assert!(touched.expires_at > begun.expires_at);
        self.sessions.update(&phone, &touched).await.unwrap();
        assert_eq!(find(&phone).await, Some(touched));

        // Nobody ends the session of another; one's own ends once.
        assert!(!self.sessions.revoke(self.two, begun.id).await.unwrap());
        assert!(find(&phone).await.is_some());
        assert!(self.sessions.revoke(self.one, begun.id).await.unwrap());
        assert!(!self.sessions.revoke(self.one, begun.id).await.unwrap());
        assert_eq!(find(&phone).await, None);

        // A use that is written down late does not bring it back.
        self.sessions.update(&phone, &begun).await.unwrap();
        assert_eq!(find(&phone).await, None);

        // All but one of an account.
        self.begin(self.one, "watch").await;
        self.sessions
            .revoke_others(self.one, other.id)
            .await
            .unwrap();
        self.sessions
            .revoke_others(self.one, other.id)
            .await
            .unwrap();
        assert_eq!(self.names(self.one).await, ["laptop"]);

        // What is of an earlier generation is tidied up, and nothing else.
        let now = self.env.now();
        self.sessions.tidy_up(self.one, other.generation, now).await;
        assert!(find(&laptop).await.is_some());
        self.sessions
            .tidy_up(self.one, other.generation + 1, now)
            .await;
        assert_eq!(find(&laptop).await, None);
        assert!(find(&tablet).await.is_some(), "others are left alone");

        // One more than there may be ends the one that was used longest ago, not the oldest.
        let (used, session) = self.begin(self.one, "oldest, in use").await;
        let (unused, _) = self.begin(self.one, "used longest ago").await;
        self.clock.advance(TOUCH_EVERY);
        let touched = session.touched(self.env.now(), IDLE).unwrap();
        self.sessions.update(&used, &touched).await.unwrap();
        for number in 2..=MAX_SESSIONS {
            assert!(find(&unused).await.is_some());
            self.clock.advance(Duration::from_millis(1));
            self.begin(self.one, &number.to_string()).await;
        }
        assert_eq!(find(&unused).await, None);
        assert!(find(&used).await.is_some());
        assert_eq!(self.names(self.one).await.len(), MAX_SESSIONS);

        // What has run out is not found, before and after it is swept up.
        self.clock.advance(IDLE);
        assert_eq!(find(&tablet).await, None);
        assert!(self.names(self.two).await.is_empty());
        self.sessions.sweep(self.env.now()).await.unwrap();
        assert_eq!(find(&tablet).await, None);
    }
}

async fn on_sql(dialect: Dialect) {
    let db = TestDb::new(dialect, &MIGRATOR).await;
    let (env, clock) = techcommerce_testkit::env();
    let suite = Suite {
        sessions: Sessions::Sql(db.db()),
        one: account(&db, &env, "one@example.com").await,
        two: account(&db, &env, "two@example.com").await,
        env,
        clock,
    };
    suite.run().await;
}

#[tokio::test]
async fn sqlite() {
    on_sql(Dialect::Sqlite).await;
}

#[tokio::test]
async fn postgres() {
    on_sql(Dialect::Postgres).await;
}

#[tokio::test]
async fn redis() {
    let server = TestRedis::new();
    let (env, clock) = techcommerce_testkit::env();
    let suite = Suite {
        sessions: Sessions::Redis(RedisSessions::new(server.url(), "t:", env.clone()).unwrap()),
        one: env.new_id(),
        two: env.new_id(),
        env,
        clock,
    };
    suite.run().await;
}

#[tokio::test]
async fn without_redis_the_answer_is_clear_and_quick() {
    let (env, _) = techcommerce_testkit::env();
    let nowhere = techcommerce_testkit::free_address();
    let redis = RedisSessions::new(format!("redis://{nowhere}/"), "t:", env.clone()).unwrap();
    let sessions = Sessions::Redis(redis);
    let error = sessions
        .find(&token::hash("x"), env.now())
        .await
        .unwrap_err();
    assert_eq!(error.code(), "unavailable");
    assert!(error.message().contains("guest"), "{error}");
    assert!(sessions.ping().await.is_err());
}

/// Passes connections at `at` on to `to` until it is aborted, which cuts them.
async fn relay(at: SocketAddr, to: String) -> JoinHandle<()> {
    let listener = TcpListener::bind(at).await.unwrap();
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut inner, _)) = listener.accept().await {
            let to = to.clone();
            connections.spawn(async move {
                let mut outer = TcpStream::connect(to).await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut inner, &mut outer).await;
            });
        }
    })
}

#[tokio::test]
async fn a_redis_that_comes_back_is_used_again() {
    let server = TestRedis::new();
    let (env, clock) = techcommerce_testkit::env();
    let (user, rest) = server.url().rsplit_once('@').unwrap();
    let (address, number) = rest.split_once('/').unwrap();
    let at = techcommerce_testkit::free_address();
    let redis = RedisSessions::new(format!("{user}@{at}/{number}"), "t:", env.clone()).unwrap();
    let suite = Suite {
        sessions: Sessions::Redis(redis),
        one: env.new_id(),
        two: env.new_id(),
        env,
        clock,
    };

    for round in ["first", "second", "third"] {
        let way = relay(at, address.to_owned()).await;
        let back = async {
            while suite.sessions.ping().await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), back)
            .await
            .unwrap();
        let (token, begun) = suite.begin(suite.one, round).await;
        let found = suite.sessions.find(&token, suite.env.now()).await.unwrap();
        assert_eq!(found, Some(begun));
        way.abort();
        assert!(way.await.unwrap_err().is_cancelled());
        let lost = suite
            .sessions
            .find(&token, suite.env.now())
            .await
            .unwrap_err();
        assert_eq!(lost.code(), "unavailable", "{round}");
    }
}
