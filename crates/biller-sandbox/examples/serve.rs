//! Serves the sandbox on a free port until Ctrl-C:
//!
//! ```text
//! cargo run -p biller-sandbox --example serve
//! ```

use std::io::{self, Write as _};

use biller_sandbox::Sandbox;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(io::stdout(), "http://{}/_sandbox tells how to connect", listener.local_addr()?)?;
    let sandbox = Sandbox::new();
    sandbox.serve(listener, async { drop(tokio::signal::ctrl_c().await) }).await;
    for charge in sandbox.charges() {
        writeln!(io::stdout(), "{} {} {:?} Rp{}", charge.provider, charge.customer, charge.state, charge.amount)?;
    }
    Ok(())
}
