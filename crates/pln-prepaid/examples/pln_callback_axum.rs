//! The callback receiver behind axum. A purchase is pending, the sandbox posts its result, and one advice confirms it.

#![allow(clippy::print_stdout)]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use biller_core::{Biller, Clock, Hint, MemoryRecords, Order, SystemClock};
use biller_sandbox::Sandbox;
use pln_prepaid::auth::SelfSigned;
use pln_prepaid::{Client, Config, PlnPrepaid, callback};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{Sender, channel};

/// Larger callbacks are cut off, and so refused.
const LARGEST: usize = 64 << 10;

/// Stores the hint and answers; confirming happens elsewhere. In production, store it where it survives a crash.
async fn receive(State(hints): State<Sender<Hint>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, LARGEST).await.unwrap_or_default();
    let request = http::Request::from_parts(head, body);
    let now = SystemClock.now();
    callback::receive(&request, now, |hint| async move { hints.send(hint).await }).await.map(Body::from)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (sender, mut hints) = channel(100);
    let receiver = TcpListener::bind("127.0.0.1:0").await?;
    let callback_url = format!("http://{}/callbacks/pln", receiver.local_addr()?);
    let app = Router::new().route("/callbacks/pln", post(receive)).with_state(sender);
    tokio::spawn(async move { axum::serve(receiver, app).await });

    let sandbox = Sandbox::builder().settle_after(Duration::from_millis(200)).build();
    sandbox.send_callbacks_to("pln", &callback_url)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let base_url = format!("http://{}/pln", listener.local_addr()?);
    let server = sandbox.clone();
    tokio::spawn(async move { server.serve(listener, std::future::pending()).await });

    let given = sandbox.credentials("pln").ok_or("no such provider")?;
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| given[name].as_i64().unwrap_or_default();
    let (username, jwt_secret) = (text("merchant_outlet_username"), text("jwt_secret"));
    let token = SelfSigned::new(number("merchant_id"), number("merchant_outlet_id"), username, jwt_secret);
    let pln = PlnPrepaid::new(Client::new(Config::new(&base_url, text("api_secret"), token)?)?);

    let records = MemoryRecords::default();
    let mut attempt = pln.prepare(Order::new("INV-2026-0003", "PLNPR20", "829374298302")?).await?;
    println!("after the payment:  {}", pln.pay(&mut attempt, &records).await.word());

    let hint = hints.recv().await.ok_or("no callback")?;
    println!("the callback claims {:?} for {}", hint.claim, hint.reference);
    println!("after the advice:   {}", pln.confirm(&mut attempt, &hint, &records).await.word());
    Ok(())
}
