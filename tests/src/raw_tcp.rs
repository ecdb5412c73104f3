//! Every way in which an exchange over TCP can break: a table of what each proves, and a server on a raw socket that misbehaves in
//! the chosen way and counts the requests it has read to their last byte.

#![allow(clippy::unwrap_used)]

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use biller_core::reqwest_transport::ReqwestTransport;
use biller_core::{BoxFuture, Effect, ErrorKind, Execution, RetryPolicy, Transport};
use bytes::Bytes;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use crate::reply;

/// The size of a reply that nobody should read to its end.
const FLOOD: u64 = 200 << 20;

/// How often an engine may repeat: enough to tell "never" from "as documented".
const RETRIES: usize = 2;

/// The retry policy that the table counts with.
pub fn retry() -> RetryPolicy {
    RetryPolicy { max_retries: RETRIES, first_delay: Duration::from_millis(1), max_delay: Duration::from_millis(5) }
}

/// What one call came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Times that the engine handed the request to the transport.
    pub sent: usize,
    /// Times that the server read it completely.
    pub read: usize,
    /// What the client says.
    pub said: Result<(), (ErrorKind, Execution)>,
}

const fn done(sent: usize, read: usize) -> Seen {
    Seen { sent, read, said: Ok(()) }
}

const fn failed(sent: usize, read: usize, kind: ErrorKind, execution: Execution) -> Seen {
    Seen { sent, read, said: Err((kind, execution)) }
}

/// Nothing left: every call is repeated, and no server has read anything.
const NOT_SENT: Seen = failed(1 + RETRIES, 0, ErrorKind::NotSent, Execution::NotExecuted);

/// One row of the table.
pub struct Case {
    /// What happens, in words.
    pub name: &'static str,
    play: Play,
    money: Seen,
    read: Seen,
}

impl Case {
    /// What a call with this effect has to come to.
    pub fn expected(&self, effect: Effect) -> &Seen {
        if effect == Effect::ReadOnly { &self.read } else { &self.money }
    }

    /// How long the real client gives an exchange: long, except where only the client can end it.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(if self.play == Play::Silence { 1 } else { 60 })
    }

    /// How long the request's body should be, where the caller can choose: where the connection is reset in the middle, longer than
    /// what the system takes off the client's hands.
    pub fn request_bytes(&self) -> usize {
        if self.play == Play::ResetInRequest { 8 << 20 } else { 16 }
    }

    /// A real client with a connection pool of its own.
    pub fn transport(&self) -> ReqwestTransport {
        let connect_timeout = match self.play {
            Play::NeverAccept | Play::NoSuchHost => Duration::from_millis(200),
            _ => Duration::from_secs(30),
        };
        let builder = reqwest::Client::builder().no_proxy().connect_timeout(connect_timeout);
        ReqwestTransport::from_builder(builder.timeout(self.timeout())).unwrap()
    }
}

/// The whole table.
pub fn cases() -> Vec<Case> {
    use ErrorKind::{Connection, ReplyTooLarge, Timeout, UnreadableReply};
    use Execution::Unknown;

    let case = |name, play, money, read| Case { name, play, money, read };
    let not_sent = |name, play| case(name, play, NOT_SENT, NOT_SENT);
    // The request may have arrived: the purchase is left alone, the read is repeated.
    let lost = |name, play| case(name, play, failed(1, 1, Connection, Unknown), failed(3, 3, Connection, Unknown));
    let lost_unread =
        |name, play| case(name, play, failed(1, 0, Connection, Unknown), failed(3, 0, Connection, Unknown));
    // Something answered that proves nothing and will not change: neither is repeated.
    let answered = |name, play, kind| case(name, play, failed(1, 1, kind, Unknown), failed(1, 1, kind, Unknown));
    vec![
        case("an exchange that goes well", Play::Answer, done(1, 1), done(1, 1)),
        not_sent("connection refused", Play::Refuse),
        not_sent("connection never accepted, backlog full", Play::NeverAccept),
        not_sent("host name that does not resolve", Play::NoSuchHost),
        not_sent("TLS handshake with a plain server", Play::PlainForTls),
        lost_unread("closed at once after accepting", Play::CloseAtOnce),
        lost_unread("reset in the middle of the request", Play::ResetInRequest),
        lost("read completely, then closed", Play::ReadAndClose),
        lost("read completely, then reset", Play::ReadAndReset),
        lost("half a status line", Play::Write("HTTP/1.1 20")),
        lost("a reply that is no HTTP", Play::Write("who is there?\r\n\r\n")),
        lost("half a body", Play::Write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{\"cod")),
        lost("half a chunk", Play::Write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n64\r\n{\"cod")),
        lost("an interim reply, then closed", Play::Write("HTTP/1.1 100 Continue\r\n\r\n")),
        case("silence", Play::Silence, failed(1, 1, Timeout, Unknown), failed(3, 3, Timeout, Unknown)),
        case("kept connection closed while idle", Play::CloseWhenIdle, done(1, 1), done(1, 1)),
        lost("kept connection closed on the second request", Play::CloseSecond),
        answered("redirect 301", Play::Redirect(301), UnreadableReply),
        answered("redirect 302", Play::Redirect(302), UnreadableReply),
        answered("redirect 303", Play::Redirect(303), UnreadableReply),
        answered("redirect 307", Play::Redirect(307), UnreadableReply),
        answered("redirect 308", Play::Redirect(308), UnreadableReply),
        answered("200 MB of reply", Play::Flood, ReplyTooLarge),
    ]
}

/// What the server does. Requests for `/opener` are always answered well; they open a connection to be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Play {
    /// Answers well.
    Answer,
    /// A port that is taken, but not listened on.
    Refuse,
    /// A backlog that is full, and never emptied.
    NeverAccept,
    /// A name that no resolver knows.
    NoSuchHost,
    /// Answers a TLS greeting in plain HTTP.
    PlainForTls,
    CloseAtOnce,
    ResetInRequest,
    ReadAndClose,
    ReadAndReset,
    /// Reads, writes this and closes.
    Write(&'static str),
    /// Reads, and waits until the client gives up.
    Silence,
    /// Closes the connection after the opener, and makes sure that the client has noticed.
    CloseWhenIdle,
    /// Closes the connection when the request after the opener has been read.
    CloseSecond,
    /// Sends the client to another path of this server.
    Redirect(u16),
    /// Answers with [`FLOOD`] bytes.
    Flood,
}

/// What stands behind the server: it gets every request that was read completely, and its answer goes out where the play lets it.
pub type Handler = Box<dyn Fn(http::Request<Bytes>) -> BoxFuture<'static, http::Response<Bytes>> + Send + Sync>;

struct State {
    handler: Handler,
    read: AtomicUsize,
    written: AtomicU64,
    closed: Notify,
}

/// A server that plays one case.
pub struct Server {
    play: Play,
    address: SocketAddr,
    state: Arc<State>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    /// Starts playing, in front of `handler`.
    pub async fn start(case: &Case, handler: Handler) -> Self {
        let play = case.play;
        let state = Arc::new(State {
            handler,
            read: AtomicUsize::default(),
            written: AtomicU64::default(),
            closed: Notify::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
        let address = socket.local_addr().unwrap();
        let task = match play {
            Play::Refuse => tokio::spawn(async move {
                let _ = stopped.await;
                drop(socket);
            }),
            Play::NeverAccept => {
                let listener = socket.listen(1).unwrap();
                let filling: Vec<_> = (0..8)
                    .map(|_| {
                        let mut filler = Box::pin(TcpStream::connect(address));
                        // One poll starts the connection; beyond the backlog it never comes about.
                        let poll = filler.as_mut().poll(&mut Context::from_waker(Waker::noop()));
                        (filler, poll.map(Result::unwrap))
                    })
                    .collect();
                tokio::spawn(async move {
                    let _ = stopped.await;
                    drop((listener, filling));
                })
            }
            _ => tokio::spawn(accept(socket.listen(16).unwrap(), play, Arc::clone(&state), stopped)),
        };
        Self { play, address, state, stop, task }
    }

    /// Where it is reached: scheme and authority.
    pub fn base(&self) -> String {
        match self.play {
            Play::NoSuchHost => "http://does-not-exist.invalid".to_owned(),
            Play::PlainForTls => format!("https://{}", self.address),
            _ => format!("http://{}", self.address),
        }
    }

    /// Has the client open a connection that it keeps, where the play is about one; if the play closes it, waits until the client
    /// has closed its half too.
    pub async fn open(&self, transport: &dyn Transport) {
        if matches!(self.play, Play::CloseWhenIdle | Play::CloseSecond) {
            let opener = http::Request::get(format!("{}/opener", self.base())).body(Bytes::new()).unwrap();
            transport.send(opener, 1 << 10).await.unwrap();
        }
        if self.play == Play::CloseWhenIdle {
            self.state.closed.notified().await;
        }
    }

    /// Stops accepting, waits until the open connections have ended, which takes the client's pool to be dropped, and counts the
    /// requests that were read completely, openers aside.
    pub async fn finish(self) -> usize {
        let _ = self.stop.send(());
        self.task.await.unwrap();
        let written = self.state.written.load(Ordering::SeqCst);
        assert!(written < FLOOD, "the client took all of a reply of {FLOOD} bytes");
        self.state.read.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, play: Play, state: Arc<State>, mut stopped: oneshot::Receiver<()>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                let state = Arc::clone(&state);
                let address = listener.local_addr().unwrap();
                connections.spawn(async move {
                    // A client that hangs up is part of the play.
                    let _ = converse(BufReader::new(stream), play, &state, address).await;
                });
            }
            _ = &mut stopped => break,
        }
    }
    while let Some(ended) = connections.join_next().await {
        ended.unwrap();
    }
}

async fn converse(mut stream: BufReader<TcpStream>, play: Play, state: &State, address: SocketAddr) -> io::Result<()> {
    match play {
        Play::CloseAtOnce => return Ok(()),
        Play::ResetInRequest => {
            stream.read_line(&mut String::new()).await?;
            return stream.get_ref().set_zero_linger();
        }
        Play::PlainForTls => {
            stream.read_u8().await?;
            return stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
        _ => {}
    }
    while let Some(request) = read_request(&mut stream).await? {
        if request.uri().path() == "/opener" {
            write_reply(&mut stream, &reply(200, "open")).await?;
            if play == Play::CloseWhenIdle {
                stream.shutdown().await?;
                read_to_end(&mut stream).await;
                state.closed.notify_one();
                return Ok(());
            }
            continue;
        }
        state.read.fetch_add(1, Ordering::SeqCst);
        let answer = (state.handler)(request).await;
        match play {
            Play::ReadAndClose | Play::CloseSecond => return Ok(()),
            Play::ReadAndReset => return stream.get_ref().set_zero_linger(),
            Play::Write(text) => return stream.write_all(text.as_bytes()).await,
            Play::Silence => read_to_end(&mut stream).await,
            Play::Redirect(status) => {
                let head = format!("HTTP/1.1 {status} Elsewhere\r\nlocation: http://{address}/moved\r\n");
                stream.write_all(format!("{head}content-length: 0\r\n\r\n").as_bytes()).await?;
            }
            Play::Flood => {
                stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {FLOOD}\r\n\r\n").as_bytes()).await?;
                let piece = vec![b'x'; 64 << 10];
                for _ in 0..FLOOD / (64 << 10) {
                    stream.write_all(&piece).await?;
                    state.written.fetch_add(64 << 10, Ordering::SeqCst);
                }
            }
            _ => write_reply(&mut stream, &answer).await?,
        }
    }
    Ok(())
}

/// The next request, read to its last byte; `None` when the client closes instead.
async fn read_request(stream: &mut BufReader<TcpStream>) -> io::Result<Option<http::Request<Bytes>>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let mut lines = head.lines();
    let mut start = lines.next().unwrap_or_default().split(' ');
    let (method, target) = (start.next().unwrap_or_default(), start.next().unwrap_or_default());
    let mut request = http::Request::builder().method(method).uri(format!("http://localhost{target}"));
    let mut body = Vec::new();
    for (name, value) in lines.filter_map(|line| line.split_once(':')) {
        request = request.header(name, value.trim());
        if name.eq_ignore_ascii_case("content-length") {
            body.resize(value.trim().parse().unwrap(), 0);
        }
    }
    stream.read_exact(&mut body).await?;
    Ok(Some(request.body(body.into()).unwrap()))
}

async fn write_reply(stream: &mut BufReader<TcpStream>, reply: &http::Response<Bytes>) -> io::Result<()> {
    let head = format!("HTTP/1.1 {} -\r\ncontent-length: {}\r\n\r\n", reply.status().as_u16(), reply.body().len());
    stream.write_all(&[head.as_bytes(), reply.body()].concat()).await
}

/// Waits until the client has closed or reset the connection.
async fn read_to_end(stream: &mut BufReader<TcpStream>) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}
