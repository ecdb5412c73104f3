//! The sandbox over real sockets.
#![allow(clippy::unwrap_used)]

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use biller_sandbox::{ManualClock, Sandbox};
use common::{BUY, CLIENT_ID, Call, SECRET, START, TOKEN, order, rsa, sha256, timestamp, token_body};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Server {
    sandbox: Sandbox,
    clock: ManualClock,
    at: SocketAddr,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

async fn serve() -> Server {
    let clock = ManualClock::at_unix(START);
    let sandbox = Sandbox::builder().clock(clock.clone()).build();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = sandbox.clone();
    let task = tokio::spawn(async move {
        serving.serve(listener, async { drop(stopped.await) }).await;
    });
    Server { sandbox, clock, at, stop, task }
}

impl Server {
    /// Writes `request`, closes the sending side, and reads whatever comes until the end.
    async fn raw(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(self.at).await.unwrap();
        stream.write_all(request).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).await.unwrap();
        reply
    }

    async fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.at);
        self.raw(format!("{head}content-length: {length}\r\n{headers}\r\n{body}").as_bytes()).await
    }

    async fn json(&self, method: &str, path: &str, headers: &str, body: &str) -> Value {
        let reply = String::from_utf8(self.ask(method, path, headers, body).await).unwrap();
        serde_json::from_str(reply.split_once("\r\n\r\n").unwrap().1).unwrap_or_else(|_| panic!("{reply}"))
    }

    async fn token(&self) -> String {
        let timestamp = timestamp(biller_sandbox::Clock::now(&self.clock));
        let signature = rsa(&format!("{CLIENT_ID}|{timestamp}"));
        let headers = format!("open-api-timestamp: {timestamp}\r\nopen-api-signature: {signature}\r\n");
        let reply = self.json("POST", &format!("/klikoo{TOKEN}"), &headers, &token_body().to_string()).await;
        reply["data"]["access_token"].as_str().unwrap().to_owned()
    }

    async fn buy(&self, token: &str, order: &Value) -> Vec<u8> {
        let (body, timestamp) = (order.to_string(), timestamp(biller_sandbox::Clock::now(&self.clock)));
        let call = Call {
            method: "POST".into(),
            path: BUY.into(),
            token: token.into(),
            timestamp: timestamp.clone(),
            signed_method: "POST".into(),
            signed_path: BUY.into(),
            signed_token: token.into(),
            signed_hash: sha256(&body),
            signed_timestamp: timestamp.clone(),
            key: SECRET.into(),
            body,
        };
        let signature = call.signature();
        let headers = format!(
            "open-api-timestamp: {timestamp}\r\nopen-api-signature: {signature}\r\nauthorization: Bearer {token}\r\n"
        );
        self.ask("POST", &format!("/klikoo{BUY}"), &headers, &call.body).await
    }

    async fn arm(&self, operation: &str, fault: &str) {
        let body = json!({ "provider": "klikoo", "operation": operation, "fault": fault }).to_string();
        let reply = self.ask("POST", "/_sandbox/faults", "", &body).await;
        assert!(reply.starts_with(b"HTTP/1.1 200 OK\r\n"));
    }

    async fn stop(self) {
        drop(self.stop);
        self.task.await.unwrap();
    }
}

#[tokio::test]
async fn lost_requests_and_replies_close_the_connection_without_a_byte() {
    let server = serve().await;
    let token = server.token().await;
    for (fault, charges) in [("lose_request", 0), ("lose_reply", 1)] {
        server.arm("payment", fault).await;
        assert_eq!(server.buy(&token, &order("r", "081200000001")).await, b"", "{fault}");
        assert_eq!(server.sandbox.charges().len(), charges, "{fault}");
    }
    let reply = server.buy(&token, &order("r", "081200000001")).await;
    assert!(reply.starts_with(b"HTTP/1.1 409 Conflict\r\n"));
    server.stop().await;
}

#[tokio::test]
async fn base_urls_name_the_host_that_was_asked() {
    let server = serve().await;
    let overview = server.json("GET", "/_sandbox", "", "").await;
    assert_eq!(overview["providers"]["klikoo"]["base_url"], format!("http://{}/klikoo", server.at));
    server.stop().await;
}

#[tokio::test]
async fn bodies_above_a_mebibyte_are_refused() {
    let server = serve().await;
    for path in ["/klikoo/v1/open-api/products/buy", "/_sandbox/faults", "/elsewhere"] {
        let reply = server.ask("POST", path, "", &"x".repeat((1 << 20) + 1)).await;
        assert!(reply.starts_with(b"HTTP/1.1 413 Payload Too Large\r\n"), "{path}");
    }
    let reply = server.ask("POST", "/klikoo/nothing", "", &"x".repeat(1 << 20)).await;
    assert!(reply.starts_with(b"HTTP/1.1 404 Not Found\r\n"));
    let chunk = format!("{:x}\r\n{}\r\n", 1 << 19, "x".repeat(1 << 19));
    let head = "POST /klikoo HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    let reply = server.raw(format!("{head}{chunk}{chunk}{chunk}0\r\n\r\n").as_bytes()).await;
    assert!(reply.starts_with(b"HTTP/1.1 413 Payload Too Large\r\n"));
    server.stop().await;
}

#[tokio::test]
async fn garbage_does_not_stop_the_server() {
    let server = serve().await;
    for request in [
        &b"nonsense\r\n\r\n"[..],
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /klikoo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /klikoo/%zz?%=& HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET http:// HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"CONNECT x:1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
        b"GET /klikoo/v1/open-api/balance HTTP/1.1\r\nhost: x\r\nopen-api-timestamp: \xff\xfe\r\nconnection: close\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    ] {
        let reply = server.raw(request).await;
        assert!(reply.starts_with(b"HTTP/1.1 4"), "{:?}", String::from_utf8_lossy(&reply));
    }
    // Half a request and silence hold up nobody.
    let mut idle = TcpStream::connect(server.at).await.unwrap();
    idle.write_all(b"POST /klikoo HTTP/1.1\r\ncontent-length: 10\r\n\r\nabc").await.unwrap();
    assert!(server.ask("GET", "/_sandbox/balances", "", "").await.starts_with(b"HTTP/1.1 200 OK\r\n"));
    server.stop().await;
}

/// A receiver of callbacks that answers each with the next of `replies`.
async fn receiver(replies: Vec<u16>) -> (String, JoinHandle<Vec<Value>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook?x=1", listener.local_addr().unwrap());
    let task = tokio::spawn(async move {
        let mut bodies = Vec::new();
        for status in replies {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (mut text, mut buffer) = (String::new(), [0; 4096]);
            let body = loop {
                let read = stream.read(&mut buffer).await.unwrap();
                text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
                let body = text.split_once("\r\n\r\n").map(|(_, body)| body);
                if let Some(Ok(body)) = body.map(serde_json::from_str::<Value>) {
                    break body;
                }
            };
            assert!(
                text.starts_with("POST /hook?x=1 HTTP/1.1\r\n") && text.contains("content-type: application/json"),
                "{text}"
            );
            bodies.push(body);
            stream.write_all(format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n").as_bytes()).await.unwrap();
        }
        bodies
    });
    (url, task)
}

#[tokio::test]
async fn callbacks_are_posted_once_even_if_refused() {
    let server = serve().await;
    let token = server.token().await;
    let (url, received) = receiver(vec![500, 200]).await;
    server.sandbox.send_callbacks_to("klikoo", &url).unwrap();
    server.buy(&token, &order("a", "081200000001")).await;
    server.buy(&token, &order("b", "081200000003")).await;
    server.clock.advance(Duration::from_secs(2));
    let mut seen: Vec<_> = received
        .await
        .unwrap()
        .iter()
        .map(|body| (body["partner_reference_id"].clone(), body["transaction_status"].clone()))
        .collect();
    seen.sort_by_key(|(reference, _)| reference.to_string());
    assert_eq!(seen, [(json!("a"), json!("SUCCESS")), (json!("b"), json!("FAILED"))]);
    assert!(server.sandbox.take_callbacks().is_empty());
    server.stop().await;
}

#[tokio::test]
async fn a_callback_before_the_reply_has_arrived_when_the_reply_comes() {
    let server = serve().await;
    let token = server.token().await;
    let (url, received) = receiver(vec![200]).await;
    server.sandbox.send_callbacks_to("klikoo", &url).unwrap();
    server.arm("callback", "callback_before_reply").await;
    let reply = server.buy(&token, &order("a", "081200000002")).await;
    assert!(received.is_finished());
    assert_eq!(received.await.unwrap()[0]["transaction_status"], "SUCCESS");
    assert!(String::from_utf8(reply).unwrap().contains(r#""status":"PENDING""#));
    server.stop().await;
}

#[tokio::test]
async fn stopping_closes_the_port() {
    let server = serve().await;
    let at = server.at;
    // An idle connection that is kept alive does not hold the server.
    let mut idle = TcpStream::connect(at).await.unwrap();
    idle.write_all(b"GET /_sandbox/balances HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert!(idle.read_u8().await.is_ok());
    server.stop().await;
    assert!(TcpStream::connect(at).await.is_err());
}

#[tokio::test]
async fn one_connection_can_be_served_alone() {
    let sandbox = Sandbox::new();
    let (mut client, server) = tokio::io::duplex(1 << 16);
    let task = tokio::spawn(async move { sandbox.serve_connection(server).await });
    client.write_all(b"GET /_sandbox/charges HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).await.unwrap();
    assert!(reply.ends_with("\r\n\r\n{\"charges\":[]}"), "{reply}");
    task.await.unwrap().unwrap();
}
