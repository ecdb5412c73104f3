use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::sync::Arc;
use std::time::Duration;

use biller_core::{Order, Reference, Rupiah, Schedule};
use biller_journal::{Event, Journal, Lane, Purchase, ReceiptKey, SqliteStore, State};
use biller_sandbox::{Charge, Fault, FaultKind, Operation, Sandbox};
use clap::Args;
use tokio::process::{Child, Command};

use super::klikoo;
use super::stage::{Belief, Stage};

/// A real one is 32 random bytes, kept apart from the file.
const KEY: [u8; 32] = [7; 32];
const REFERENCE: &str = "JOURNAL-1";

/// Buy one thing through a journal, until it is final; started by the demonstration, which kills it
#[derive(Args)]
pub struct Buyer {
    /// The SQLite file of the journal
    #[arg(long)]
    file: PathBuf,
    /// Klikoo's base URL
    #[arg(long)]
    url: String,
    /// The sandbox's seed
    #[arg(long)]
    seed: u64,
}

/// The process that buys. The second one hands in the same order again, as a caller does who does not know how far the first one got.
pub async fn buy(buyer: Buyer) -> Result<ExitCode, Box<dyn Error>> {
    let given = Sandbox::builder().seed(buyer.seed).build().credentials("klikoo").unwrap_or_default();
    let schedule = Schedule::from_seconds(&[0], 1);
    let klikoo = klikoo::client(klikoo::config(&buyer.url, &given)?.with_schedule(schedule))?;
    let journal = Journal::builder(SqliteStore::open(&buyer.file)?, ReceiptKey::new(KEY))
        .provider(Arc::new(klikoo), Lane::default())
        .lease(Duration::from_secs(1))
        .build();
    let worker = tokio::spawn({
        let journal = journal.clone();
        async move { journal.run().await }
    });
    let order = Order::new(REFERENCE, "S10", "081200000001")?.with_expected_price(Rupiah::new(10_450));
    journal.submit("klikoo", order).await?;
    journal.wait(&Reference::parse(REFERENCE)?).await?;
    journal.stop();
    worker.await?;
    Ok(ExitCode::SUCCESS)
}

/// The journal: a process is killed while the reply to its payment is outstanding; the next one on the same file finds out.
pub async fn act(stage: &mut Stage) -> Result<(), Box<dyn Error>> {
    stage.title("The journal, and a process that dies");
    let folder = Folder::new()?;
    let held = Fault::new("klikoo", FaultKind::Delay).on(Operation::Payment).delay(Duration::from_secs(3600));
    stage.sandbox.arm(held)?;
    let mut arrived = stage.payments();

    let mut first = start(stage, &folder.file())?;
    stage.say(format_args!("Pulsa through a journal in a SQLite file; process {} buys:", id(&first)));
    tokio::select! {
        _ = arrived.recv() => {}
        ended = first.wait() => return Err(format!("the first process ended before it paid: {}", ended?).into()),
    }
    let ours = |charge: &&Charge| charge.reference.as_deref() == Some(REFERENCE);
    let charges = stage.sandbox.charges().iter().filter(ours).count();
    stage.say(format_args!("  the payment has arrived: {charges} charge in the ledger, and the reply is held back"));
    first.kill().await?;
    stage.say("  * the process is killed *");
    let (journal, purchase) = read(&folder.file()).await?;
    stage.say(format_args!("  the file says: {}", purchase.state));
    drop(journal);

    let mut second = start(stage, &folder.file())?;
    stage.say(format_args!("Process {} goes on with the same file:", id(&second)));
    let ended = second.wait().await?;
    if !ended.success() {
        return Err(format!("the second process: {ended}").into());
    }
    let (journal, purchase) = read(&folder.file()).await?;
    for event in journal.history(purchase.order.reference()).await? {
        stage.say(line(&event));
    }
    let receipt = journal.receipt(purchase.order.reference()).await?;
    stage.believe(Belief {
        provider: "klikoo",
        reference: REFERENCE.to_owned(),
        product: purchase.order.product().to_string(),
        customer: purchase.order.customer().to_owned(),
        outcome: purchase.state.word(),
        charged: receipt.and_then(|receipt| receipt.charged),
    });
    Ok(())
}

fn start(stage: &Stage, file: &Path) -> std::io::Result<Child> {
    Command::new(std::env::current_exe()?)
        .args(["demo-buyer", "--url", &stage.base_url("klikoo"), "--seed", &stage.seed.to_string(), "--file"])
        .arg(file)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
}

fn id(process: &Child) -> u32 {
    process.id().unwrap_or_default()
}

/// What the file says, read by a journal that does not work on it.
async fn read(file: &Path) -> Result<(Journal, Purchase), Box<dyn Error>> {
    let journal = Journal::builder(SqliteStore::open(file)?, ReceiptKey::new(KEY)).build();
    let purchase = journal.get(&Reference::parse(REFERENCE)?).await?.ok_or("the purchase is lost")?;
    Ok((journal, purchase))
}

fn line(event: &Event) -> String {
    format!("  {:<11} {:<10} {}", event.to.map_or("", State::word), event.cause, event.evidence)
}

/// A folder that is gone at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("biller-demo-{}", std::process::id()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }

    fn file(&self) -> PathBuf {
        self.0.join("journal.sqlite")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
