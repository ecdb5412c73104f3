//! A throw-away PostgreSQL server.

use std::process::{Command, ExitCode};

use throwaway_postgres::Cluster;

/// Where tests find a server that runs already, instead of starting one each.
const VARIABLE: &str = "BILLER_POSTGRES";

#[derive(clap::Args)]
pub struct Postgres {
    /// What to run with the server's URL in BILLER_POSTGRES; its exit code becomes ours. Without it the server stays until interrupted.
    #[arg(last = true)]
    command: Vec<String>,
}

impl Postgres {
    pub fn run(self) -> crate::Result<ExitCode> {
        let cluster = Cluster::start()?;
        println!("{}", cluster.url());
        let Some((program, arguments)) = self.command.split_first() else {
            // The server follows when this process ends, in whatever way.
            loop {
                std::thread::park();
            }
        };
        let status = Command::new(program).args(arguments).env(VARIABLE, cluster.url()).status();
        let status = status.map_err(|error| format!("{program}: {error}"))?;
        Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
