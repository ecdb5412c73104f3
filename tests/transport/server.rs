//! A server on a raw socket that misbehaves in one chosen way.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Waker};

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet};

/// The size of a reply that nobody should read to its end.
pub const FLOOD: u64 = 200 << 20;

const ANSWER: &str = "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone";

/// What the server does. Requests for `/opener` are always answered well; they open a connection to be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Play {
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
    ResetInBody,
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

#[derive(Default)]
struct State {
    read: AtomicUsize,
    written: AtomicU64,
    closed: Notify,
}

/// What the server has seen.
pub struct Counts {
    /// Requests read to their last byte, openers aside.
    pub read: usize,
    /// Bytes of a flood that the network took.
    pub written: u64,
}

pub struct Server {
    play: Play,
    address: SocketAddr,
    state: Arc<State>,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Server {
    pub async fn start(play: Play) -> Self {
        let state = Arc::new(State::default());
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

    pub fn url(&self, path: &str) -> String {
        let address = self.address;
        match self.play {
            Play::NoSuchHost => format!("http://does-not-exist.invalid{path}"),
            Play::PlainForTls => format!("https://{address}{path}"),
            _ => format!("http://{address}{path}"),
        }
    }

    /// Waits until the client has closed its half of the opener's connection too, where the play is about that.
    pub async fn idle_connection_closed(&self) {
        if self.play == Play::CloseWhenIdle {
            self.state.closed.notified().await;
        }
    }

    /// Stops accepting, waits for the open connections to end, and counts.
    pub async fn finish(self) -> Counts {
        let _ = self.stop.send(());
        self.task.await.unwrap();
        Counts { read: self.state.read.load(Ordering::SeqCst), written: self.state.written.load(Ordering::SeqCst) }
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
        Play::ResetInBody => {
            read_head(&mut stream).await?;
            stream.read_exact(&mut [0; 1024]).await?;
            return stream.get_ref().set_zero_linger();
        }
        Play::PlainForTls => {
            stream.read_u8().await?;
            return stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").await;
        }
        _ => {}
    }
    while let Some((path, length)) = read_head(&mut stream).await? {
        stream.read_exact(&mut vec![0; length]).await?;
        if path == "/opener" {
            stream.write_all(ANSWER.as_bytes()).await?;
            if play == Play::CloseWhenIdle {
                stream.shutdown().await?;
                read_to_end(&mut stream).await;
                state.closed.notify_one();
                return Ok(());
            }
            continue;
        }
        state.read.fetch_add(1, Ordering::SeqCst);
        match play {
            Play::ReadAndClose | Play::CloseSecond => return Ok(()),
            Play::ReadAndReset => return stream.get_ref().set_zero_linger(),
            Play::Write(text) => return stream.write_all(text.as_bytes()).await,
            Play::Silence => read_to_end(&mut stream).await,
            Play::Redirect(status) => {
                let reply = format!(
                    "HTTP/1.1 {status} Elsewhere\r\nlocation: http://{address}/moved\r\ncontent-length: 0\r\n\r\n"
                );
                stream.write_all(reply.as_bytes()).await?;
            }
            Play::Flood => {
                stream.write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {FLOOD}\r\n\r\n").as_bytes()).await?;
                let piece = vec![b'x'; 64 << 10];
                for _ in 0..FLOOD / (64 << 10) {
                    stream.write_all(&piece).await?;
                    state.written.fetch_add(64 << 10, Ordering::SeqCst);
                }
            }
            _ => stream.write_all(ANSWER.as_bytes()).await?,
        }
    }
    Ok(())
}

/// The path and the body's length of the next request; `None` when the client closes instead.
async fn read_head(stream: &mut BufReader<TcpStream>) -> io::Result<Option<(String, usize)>> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if stream.read_line(&mut head).await? == 0 {
            return Ok(None);
        }
    }
    let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, length)| length.trim().parse().unwrap());
    Ok(Some((path, length)))
}

/// Waits until the client has closed or reset the connection.
async fn read_to_end(stream: &mut BufReader<TcpStream>) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}
