//! A registry on loopback that sends what it has very slowly.

use std::io::{BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// The one crate of it.
pub(super) const SLOW: &str = "slow = { version = \"1\", registry = \"slow\" }";

/// The file of the crate has so many bytes: an hour's worth.
const LENGTH: usize = 4 * 1024 * 1024;

/// A sparse registry: its index comes at once, and the file of its crate with 1 KiB a second.
pub(super) struct SlowRegistry {
    address: String,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SlowRegistry {
    pub(super) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
        let address = listener.local_addr().expect("has one").to_string();
        let ends = Arc::new(AtomicBool::new(false));
        let (at, has_to_end) = (address.clone(), ends.clone());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if has_to_end.load(Ordering::Relaxed) {
                    return;
                }
                let (at, has_to_end) = (at.clone(), has_to_end.clone());
                // It ends when the cargo at the other end does.
                std::thread::spawn(move || serve(&stream.expect("comes"), &at, &has_to_end));
            }
        });
        Self {
            address,
            ends,
            thread: Some(thread),
        }
    }

    /// The configuration of a Cargo home that knows it.
    pub(super) fn configuration(&self) -> String {
        format!("[registries.slow]\nindex = \"sparse+http://{}/\"\n", self.address)
    }
}

impl Drop for SlowRegistry {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        // It wakes from waiting for a client by one.
        drop(TcpStream::connect(&self.address));
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Answers what one client asks, until it goes.
fn serve(stream: &TcpStream, address: &str, has_to_end: &AtomicBool) {
    let mut from = BufReader::new(stream);
    while let Some(path) = asked(&mut from) {
        let went = match path.as_str() {
            "/config.json" => answer(stream, "200 OK", &format!("{{\"dl\":\"http://{address}/dl\"}}")),
            "/sl/ow/slow" => answer(
                stream,
                "200 OK",
                &format!(
                    "{{\"name\":\"slow\",\"vers\":\"1.0.0\",\"deps\":[],\"cksum\":\"{}\",\"features\":{{}},\"yanked\":false}}\n",
                    "0".repeat(64)
                ),
            ),
            "/dl/slow/1.0.0/download" => trickle(stream, has_to_end),
            _ => answer(stream, "404 Not Found", ""),
        };
        if went.is_err() {
            return;
        }
    }
}

/// The path that the next request asks for; none where there is no other.
fn asked(from: &mut impl std::io::BufRead) -> Option<String> {
    let mut request = String::new();
    from.read_line(&mut request).ok()?;
    let path = request.split(' ').nth(1)?.to_owned();
    loop {
        let mut header = String::new();
        if from.read_line(&mut header).ok()? == 0 || header == "\r\n" {
            return Some(path);
        }
    }
}

fn answer(mut stream: &TcpStream, status: &str, body: &str) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// 1 KiB a second, in ten pieces, so that it moves at a tenth of the thresholds too.
fn trickle(mut stream: &TcpStream, has_to_end: &AtomicBool) -> std::io::Result<()> {
    write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n")?;
    for _ in 0..LENGTH / 102 {
        if has_to_end.load(Ordering::Relaxed) {
            break;
        }
        stream.write_all(&[0; 102])?;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
