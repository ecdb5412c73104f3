//! A PostgreSQL server for the tests that need one.

use std::io::Write as _;
use std::sync::OnceLock;

use throwaway_postgres::Cluster;

/// A server that runs already, as `cargo xtask postgres -- COMMAND` gives it.
const RUNNING: &str = "BILLER_POSTGRES";
/// When set, a test that needs PostgreSQL fails without it.
const REQUIRED: &str = "BILLER_REQUIRE_POSTGRES";

/// The URL of a server that all tests of this process share; each has to take a schema of its own.
///
/// `None` where there is no PostgreSQL: says plainly that `test` did not run, past the test harness, which would swallow it.
pub fn url(test: &str) -> Option<String> {
    // Never dropped, which is well: the server ends with this process.
    static SERVER: OnceLock<Result<Cluster, String>> = OnceLock::new();
    if let Ok(url) = std::env::var(RUNNING) {
        return Some(url);
    }
    match SERVER.get_or_init(|| Cluster::start().map_err(|error| error.to_string())) {
        Ok(cluster) => Some(cluster.url()),
        Err(why) => {
            absent(test, why);
            None
        }
    }
}

/// A server that only this test has, to be killed by it.
pub fn cluster(test: &str) -> Option<Cluster> {
    Cluster::start().map_err(|error| absent(test, &error.to_string())).ok()
}

fn absent(test: &str, why: &str) {
    assert!(std::env::var_os(REQUIRED).is_none(), "{REQUIRED} is set, and {test} cannot run: {why}");
    let _ = writeln!(std::io::stderr(), "NOT RUN: {test}: {why}");
}
