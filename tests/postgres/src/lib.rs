//! A PostgreSQL server that is started from the installed binaries and gone with its owner, however that ends.

use std::ffi::OsStr;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// Debian keeps its binaries here, one folder a version, and not in `PATH`.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The superuser inside the cluster, who needs no password.
const USER: &str = "biller";
/// Whom root runs the server as, since it refuses root.
const ACCOUNT: &str = "postgres";
/// How often a start is tried: after a hard stop the server's processes need a moment to notice.
const STARTS: u32 = 20;
/// The server's settings: a Unix socket and no port, so that it collides with nothing; durable as in production.
const SETTINGS: &str = "-c listen_addresses= -c fsync=on -c synchronous_commit=on -c max_connections=200";

/// A server with an empty database, on a Unix socket in a folder of its own. Dropping it stops it and removes the folder.
pub struct Cluster {
    binaries: PathBuf,
    folder: PathBuf,
    /// Waits for the end of its standard input, which is this process's end at the latest, then stops the server and tidies up.
    guard: Child,
}

/// The folder with PostgreSQL's binaries: the newest of Debian's, or the one in `PATH`.
#[must_use]
pub fn binaries() -> Option<PathBuf> {
    let version = |folder: &PathBuf| folder.parent()?.file_name()?.to_str()?.parse::<u32>().ok();
    let debian = std::fs::read_dir(DEBIAN).into_iter().flatten().flatten().map(|entry| entry.path().join("bin"));
    let newest = debian.filter(|folder| is_complete(folder)).max_by_key(version);
    newest.or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| is_complete(folder)))
}

fn is_complete(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file())
}

impl Cluster {
    /// Makes a cluster and starts it.
    ///
    /// # Errors
    /// No binaries, no unprivileged account to run them under, or what they say.
    pub fn start() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let binaries = binaries().ok_or_else(|| {
            Error::other(format!("no PostgreSQL binaries (initdb, pg_ctl, postgres) in {DEBIAN}/*/bin or PATH"))
        })?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("biller-pg-{}-{number}", std::process::id()));
        run(command("mkdir").args(["-m", "700"]).arg(&folder))?;
        // Deaf to the terminal's signals: they end the process that holds its input, and it has to outlive that.
        let script = "trap '' HUP INT TERM; cat >/dev/null; \"$0\" stop -s -m immediate -D \"$1/data\" >/dev/null 2>&1; rm -rf \"$1\"";
        let guard = command("sh")
            .args(["-c", script])
            .arg(binaries.join("pg_ctl"))
            .arg(&folder)
            .stdin(Stdio::piped())
            .spawn()?;
        let cluster = Self { binaries, folder, guard };
        let initdb = cluster.binaries.join("initdb");
        let options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--username", USER];
        run(command(initdb).args(options).arg("-D").arg(cluster.data()))?;
        cluster.launch()?;
        Ok(cluster)
    }

    /// The URL of its database; it needs no password.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user={USER}", self.folder.display())
    }

    /// Kills the server as a power cut would: SIGKILL, without a word to its clients or its log.
    ///
    /// # Errors
    /// No server to kill.
    pub fn kill(&self) -> Result<()> {
        let pid = run(command("head").args(["-n", "1"]).arg(self.data().join("postmaster.pid")))?;
        let pid = String::from_utf8_lossy(&pid.stdout).trim().to_owned();
        run(command("kill").args(["-KILL", &pid])).map(drop)
    }

    /// Starts the server again after a [`kill`](Self::kill); it recovers what was committed.
    ///
    /// # Errors
    /// What the server says when it does not come up.
    pub fn launch(&self) -> Result<()> {
        let settings = format!("{SETTINGS} -k {}", self.folder.display());
        let mut tries = 1;
        loop {
            let mut start = command(self.binaries.join("pg_ctl"));
            start
                .args(["start", "-w", "-s", "-o", &settings, "-l"])
                .arg(self.folder.join("log"))
                .arg("-D")
                .arg(self.data());
            match run(&mut start) {
                Err(_) if tries < STARTS => tries += 1,
                done => return done.map(drop),
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

/// A command under an account that PostgreSQL accepts.
fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", ACCOUNT, "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout == b"0\n")
}

/// Runs a command to its end; what it says goes into the error.
fn run(command: &mut Command) -> Result<Output> {
    let shown = format!("{command:?}");
    let output = command.output()?;
    if output.status.success() {
        return Ok(output);
    }
    Err(Error::other(format!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr).trim_end())))
}
