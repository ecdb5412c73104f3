//! Voucher stock for several numbers at once, and what became of each. Runs against the sandbox, in process.

#![allow(clippy::print_stdout)]

use biller_core::{BaseUrl, Clock, SystemClock, Wiring};
use biller_sandbox::Sandbox;
use sidompul_client::model::{
    AwgDetailCommand, AwgInjectCommand, Inject, InjectOutcome, StockQuery, Target, WgDetailQuery,
};
use sidompul_client::{Client, Config, Pin};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let sandbox = Sandbox::new();
    let given = sandbox.credentials("sidompul").ok_or("no such provider")?;
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let config = Config::new(
        credential("client_id"),
        credential("client_secret"),
        credential("api_id"),
        credential("api_key"),
        Pin::Plain(credential("pin").into()),
    )?
    .with_base_url(BaseUrl::parse("http://127.0.0.1/sidompul")?);
    let client = Client::with_wiring(config, Wiring::over(sandbox.transport()));

    let today = SystemClock.now().wib_day();
    let stock = client.awg_stock(&StockQuery::default()).await?;
    let command = AwgInjectCommand::ToNumber;
    let item = stock.iter().find(|item| item.allow_type.permits(&command) && item.unusable_on(today).is_none());
    let item = item.ok_or("nothing in stock for a number")?;
    let targets = [Target::parse("083800000011")?, Target::parse("083800000012")?, Target::parse("083800000013")?];

    let injected = client.awg_inject(&Inject::new(item, &command, targets.to_vec())?).await?;
    let master_trx_id = injected.master_trx_id.ok_or("accepted without an id: look into the transactions")?;
    sandbox.settle();
    let query = WgDetailQuery { command: AwgDetailCommand::ToNumber, master_trx_id: master_trx_id.clone() };
    let rows = client.awg_transaction_detail(&query).await?;
    for outcome in InjectOutcome::of(&master_trx_id, &targets, &rows) {
        println!("{:?}: {}", outcome.target, outcome.verdict);
    }
    Ok(())
}
