//! A Redis database for one test.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use techcommerce_testservers::{Kind, REDIS_DATABASES, Server, start, url};

/// A Redis database that no other test uses, empty at the start.
#[derive(Debug)]
pub struct TestRedis {
    url: String,
    own: Option<Server>,
}

impl TestRedis {
    /// The next numbered database of the server that tests share.
    ///
    /// # Panics
    /// Redis is not installed (the message says what to install) or does not answer.
    #[must_use]
    pub fn new() -> Self {
        let server = url(Kind::Redis).unwrap_or_else(|error| panic!("{error}"));
        let server = server.trim_end_matches('/');
        let (password, address) = split(server);
        let stream = TcpStream::connect(address).expect("Redis answers");
        let mut redis = BufReader::new(stream);
        if let Some(password) = password {
            command(&mut redis, &["AUTH", password]);
        }
        // Database 0 counts; 1 and above are handed out in turn.
        let taken: u32 = command(&mut redis, &["INCR", "databases-handed-out"])
            .trim_start_matches(':')
            .parse()
            .expect("a number");
        let number = (1 + taken % (REDIS_DATABASES - 1)).to_string();
        command(&mut redis, &["SELECT", &number]);
        command(&mut redis, &["FLUSHDB"]);
        Self {
            url: format!("{server}/{number}"),
            own: None,
        }
    }

    /// A server for this test alone, which it may [`stop`](Self::stop).
    ///
    /// # Panics
    /// Redis is not installed (the message says what to install) or does not start.
    #[must_use]
    pub fn own() -> Self {
        let server = start(Kind::Redis).unwrap_or_else(|error| panic!("{error}"));
        Self {
            url: server.url().to_owned(),
            own: Some(server),
        }
    }

    /// Ends the server of [`TestRedis::own`]; the shared one stays.
    pub fn stop(&mut self) {
        self.own = None;
    }

    /// The server of [`TestRedis::own`], to be halted, frozen and resumed.
    ///
    /// # Panics
    /// It is the shared one.
    #[must_use]
    pub fn server(&self) -> &Server {
        self.own.as_ref().expect("a server of this test's own")
    }

    /// Sends it a command as its administrator; the first line of the answer.
    ///
    /// # Panics
    /// It does not answer, or refuses.
    pub fn command(&self, words: &[&str]) -> String {
        let (password, address) = split(&self.url);
        let address = address.split('/').next().unwrap_or_default();
        let stream = TcpStream::connect(address).expect("Redis answers");
        let mut redis = BufReader::new(stream);
        if let Some(password) = password {
            command(&mut redis, &["AUTH", password]);
        }
        command(&mut redis, words)
    }

    /// The address as somebody else: `user:password@` before host and port.
    #[must_use]
    pub fn url_as(&self, user: &str, password: &str) -> String {
        let (_, address) = split(&self.url);
        format!("redis://{user}:{password}@{address}")
    }

    /// `redis://:password@host:port/number`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Default for TestRedis {
    fn default() -> Self {
        Self::new()
    }
}

fn split(url: &str) -> (Option<&str>, &str) {
    let rest = url.strip_prefix("redis://").unwrap_or(url);
    match rest.rsplit_once('@') {
        Some((user, address)) => (user.split_once(':').map(|(_, password)| password), address),
        None => (None, rest),
    }
}

/// One command in Redis's own protocol, for an answer of one line.
fn command(redis: &mut BufReader<TcpStream>, words: &[&str]) -> String {
    let mut text = format!("*{}\r\n", words.len());
    for word in words {
        text.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    redis
        .get_mut()
        .write_all(text.as_bytes())
        .expect("Redis takes the command");
    let mut line = String::new();
    redis.read_line(&mut line).expect("Redis answers");
    assert!(!line.starts_with('-'), "Redis refuses {}: {line}", words[0]);
    line.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_test_has_its_own() {
        assert_ne!(TestRedis::new().url(), TestRedis::new().url());
    }

    #[test]
    fn its_own_server_can_be_stopped() {
        let mut redis = TestRedis::own();
        let address = split(redis.url()).1.to_owned();
        assert!(TcpStream::connect(&address).is_ok());
        redis.stop();
        assert!(TcpStream::connect(&address).is_err());
    }
}
