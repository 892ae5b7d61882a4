//! An HTTP/1.1 client that costs next to nothing: it shares the cores with what it measures.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One connection that stays open.
pub struct Client {
    address: SocketAddr,
    stream: TcpStream,
    buffer: Vec<u8>,
    filled: usize,
}

/// The head of an answer, and where its body lies.
pub struct Answer<'c> {
    pub status: u16,
    pub body: &'c [u8],
}

impl Client {
    /// Connects.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            address,
            stream,
            buffer: vec![0; 64 * 1024],
            filled: 0,
        })
    }

    /// The bytes of a request.
    pub fn request(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Vec<u8> {
        let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {}\r\n", self.address);
        for (name, value) in headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            let length = body.len();
            text.push_str(&format!(
                "content-type: application/json\r\ncontent-length: {length}\r\n"
            ));
        } else if method != "GET" {
            text.push_str("content-length: 0\r\n");
        }
        text.push_str("\r\n");
        text.push_str(body);
        text.into_bytes()
    }

    /// Sends a request and reads its answer to the end.
    pub async fn send(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.stream.write_all(request).await?;
        self.filled = 0;
        let (status, head, length) = loop {
            if let Some(found) = head(&self.buffer[..self.filled])? {
                break found;
            }
            self.read().await?;
        };
        let end = head + length;
        while self.filled < end {
            if self.buffer.len() < end {
                self.buffer.resize(end, 0);
            }
            self.read().await?;
        }
        Ok(Answer {
            status,
            body: &self.buffer[head..end],
        })
    }

    async fn read(&mut self) -> Result<()> {
        if self.filled == self.buffer.len() {
            self.buffer.resize(self.filled * 2, 0);
        }
        match self.stream.read(&mut self.buffer[self.filled..]).await? {
            0 => bail!("the connection was closed in the middle of an answer"),
            read => self.filled += read,
        }
        Ok(())
    }
}

/// Status, length of the head, length of the body.
fn head(bytes: &[u8]) -> Result<Option<(u16, usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; 40];
    let mut answer = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = answer.parse(bytes)? else {
        return Ok(None);
    };
    let status = answer.code.context("a status")?;
    let length = answer
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"))
        .map(|header| {
            std::str::from_utf8(header.value)?
                .parse()
                .context("a length")
        })
        .transpose()?;
    match length {
        Some(length) => Ok(Some((status, head, length))),
        None if status == 204 || status == 304 => Ok(Some((status, head, 0))),
        None => bail!("an answer of unknown length"),
    }
}
