//! `biller sandbox`: a server that behaves like the billers.

use std::error::Error;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use biller_sandbox::{LoggedRequest, Sandbox};
use tokio::net::TcpListener;

/// Serve a server that behaves like the billers, for clients in any language
#[derive(clap::Args)]
pub struct Args {
    /// Where to listen; port 0 picks a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8790")]
    listen: String,
    /// Where all randomness comes from
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// How long a pending transaction takes to become final
    #[arg(long, value_name = "N", default_value_t = 2000)]
    settle_after_ms: u64,
    /// No line on standard error for each request
    #[arg(long)]
    quiet: bool,
}

/// Serves until Ctrl-C or SIGTERM.
pub async fn run(args: Args) -> Result<ExitCode, Box<dyn Error>> {
    let failed = |error| format!("cannot listen on {}: {error}", args.listen);
    let stopped = stop_signal()?;
    let listener = TcpListener::bind(&args.listen).await.map_err(failed)?;
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        writeln!(io::stderr(), "warning: {address} is open to other machines, and the credentials are no secret")?;
    }
    writeln!(io::stdout(), "biller sandbox listening on http://{address}")?;
    let mut sandbox = Sandbox::builder().seed(args.seed).settle_after(Duration::from_millis(args.settle_after_ms));
    if !args.quiet {
        sandbox = sandbox.observer(|request| {
            // A closed standard error must not end the server.
            let _ = writeln!(io::stderr(), "{}", line(request));
        });
    }
    sandbox.build().serve(listener, stopped).await;
    Ok(ExitCode::SUCCESS)
}

/// One request in one line.
fn line(request: &LoggedRequest) -> String {
    let LoggedRequest { provider, operation, method, path, status, verdict, .. } = request;
    let operation = operation.map_or("-", |operation| operation.name());
    let status = status.map_or("closed".to_owned(), |status| status.to_string());
    let mut line = format!("{provider} {operation} {method} {path} {status}");
    if !verdict.accepted {
        let explanation = verdict.explanation.as_deref().unwrap_or_default();
        line += &format!(" ({}{explanation})", verdict.part.map(|part| format!("{part}: ")).unwrap_or_default());
    }
    line.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

/// Completes at Ctrl-C or SIGTERM; listens from now on.
#[cfg(unix)]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Completes at Ctrl-C.
#[cfg(not(unix))]
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async { drop(tokio::signal::ctrl_c().await) })
}
