use biller_core::{Biller, Order, Outcome, Receipt, Rupiah};
use biller_v2::{BillerV2, Client, Config, Transaction};

use super::stage::Stage;

/// Biller V2: an internet bill row by row, a payment whose reply gets lost, one that fails, and one that is refused.
pub async fn act(stage: &mut Stage) -> Result<(), Box<dyn std::error::Error>> {
    stage.title("Biller V2");
    let given = stage.credentials("biller-v2");
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let config = Config::new(&stage.base_url("biller-v2"), credential("api_key"), credential("api_secret"))?;
    let biller = BillerV2::new(Client::new(config)?);
    stage.say(format_args!("deposit: {}", biller.balance().await?));

    let bill = Order::new("BV-000000000000001", "SBNET01", "123223342")?;
    let mut attempt = stage.buy(&biller, "An internet bill, pending for a while", bill).await?;
    if let Some(inquiry) = attempt.inquiry() {
        for (key, value) in &inquiry.rows {
            stage.say(format_args!("    {key}: {value}"));
        }
    }
    stage.settle();
    if let Outcome::Succeeded(receipt) = stage.resolve(&biller, &mut attempt).await {
        print(stage, &receipt)?;
    }

    let pulsa = Order::new("BV-000000000000002", "SBPULSA10", "081200000001")?.with_expected_price(Rupiah::new(10_500));
    stage.lose_next_reply("biller-v2")?;
    let mut attempt = stage.buy(&biller, "Pulsa whose reply gets lost", pulsa).await?;
    stage.resolve(&biller, &mut attempt).await;

    let wallet = Order::new("BV-000000000000003", "SBEMON50", "081200000003")?;
    let mut attempt = stage.buy(&biller, "An e-wallet that fails later and is refunded", wallet).await?;
    stage.settle();
    stage.resolve(&biller, &mut attempt).await;

    let token = Order::new("BV-000000000000004", "SBPLN20", "32123456784")?;
    stage.buy(&biller, "A PLN token that is refused", token).await?;
    Ok(())
}

/// The receipt, with the rows that the provider prints on it.
fn print(stage: &Stage, receipt: &Receipt) -> Result<(), Box<dyn std::error::Error>> {
    let name = receipt.customer_name.as_deref().unwrap_or("unnamed");
    stage.say(format_args!("  receipt: {name}, reference {}", receipt.reference));
    let Some(raw) = receipt.raw.clone() else { return Ok(()) };
    let transaction = Transaction::read(raw)?;
    for row in transaction.customer_details() {
        stage.say(format_args!("    {}: {}", row.key, row.value.to_text()));
    }
    for bill in &transaction.bill_details {
        stage.say(format_args!("    {}: {}", bill.key, bill.value.to_text()));
    }
    for row in &transaction.product_details {
        stage.say(format_args!("    {}: {}", row.key, row.value.to_text()));
    }
    Ok(())
}
