//! `biller sandbox` as a user starts it.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

struct Running {
    child: Child,
    /// ADDR:PORT
    at: String,
}

fn start(args: &[&str]) -> Running {
    let mut child = Command::new(env!("CARGO_BIN_EXE_biller"))
        .arg("sandbox")
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    let at = line.strip_prefix("biller sandbox listening on http://").unwrap().strip_suffix('\n').unwrap().to_owned();
    Running { child, at }
}

impl Running {
    fn get(&self, path: &str) -> String {
        let port = self.at.rsplit_once(':').unwrap().1;
        let mut stream = TcpStream::connect(format!("127.0.0.1:{port}")).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n", self.at).unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).unwrap();
        reply
    }

    /// Sends the signal; returns the exit code and standard error.
    fn end(mut self, signal: &str) -> (Option<i32>, String) {
        let kill = Command::new("sh").args(["-c", &format!("kill -{signal} {}", self.child.id())]).status().unwrap();
        assert!(kill.success());
        let mut log = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        (self.child.wait().unwrap().code(), log)
    }
}

#[test]
fn serves_until_told_to_stop() {
    for signal in ["TERM", "INT"] {
        let running = start(&["--listen", "127.0.0.1:0"]);
        let overview = running.get("/_sandbox");
        assert!(overview.starts_with("HTTP/1.1 200 OK\r\n"));
        assert!(overview.contains(&format!("\"base_url\":\"http://{}/klikoo\"", running.at)), "{overview}");
        running.get("/klikoo/nothing");
        let log = "klikoo - GET /klikoo/nothing 404 (not checked: no such path and method)\n";
        assert_eq!(running.end(signal), (Some(0), log.to_owned()));
    }
}

#[test]
fn quiet_logs_nothing() {
    let running = start(&["--listen", "127.0.0.1:0", "--seed", "7", "--settle-after-ms", "0", "--quiet"]);
    running.get("/klikoo/nothing");
    assert_eq!(running.end("TERM"), (Some(0), String::new()));
}

#[test]
fn warns_when_other_machines_can_connect() {
    let running = start(&["--listen", "0.0.0.0:0", "--quiet"]);
    let at = running.at.clone();
    let warning = format!("warning: {at} is open to other machines, and the credentials are no secret\n");
    assert_eq!(running.end("TERM"), (Some(0), warning));
}

#[test]
fn a_taken_port_is_an_error() {
    let running = start(&["--listen", "127.0.0.1:0"]);
    let second =
        Command::new(env!("CARGO_BIN_EXE_biller")).args(["sandbox", "--listen", &running.at]).output().unwrap();
    assert_eq!(second.status.code(), Some(1));
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.starts_with(&format!("biller: cannot listen on {}: ", running.at)), "{error}");
    assert_eq!(running.end("TERM").0, Some(0));
}
