use biller_core::{BaseUrl, Biller, Order, Rupiah};
use sidompul_client::{Client, Config, Pin, Sidompul};

use super::stage::Stage;

/// SIDOMPUL: a reload, a package, voucher stock, a refusal, and a reload whose reply gets lost and is found in the history.
pub async fn act(stage: &mut Stage) -> Result<(), Box<dyn std::error::Error>> {
    stage.title("SIDOMPUL");
    let given = stage.credentials("sidompul");
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let config = Config::new(
        credential("client_id"),
        credential("client_secret"),
        credential("api_id"),
        credential("api_key"),
        Pin::Plain(credential("pin").into()),
    )?
    .with_base_url(BaseUrl::parse(&stage.base_url("sidompul"))?);
    let sidompul = Sidompul::new(Client::new(config)?);
    let reload = |reference: &str, customer: &str, denomination: i64| {
        Order::new(reference, "W2P", customer).map(|order| order.with_amount(Rupiah::new(denomination)))
    };
    stage.say(format_args!("dompul balance: {}", sidompul.balance().await?));

    let pulsa = reload("SIDOMPUL-1", "087700000011", 25_000)?;
    stage.buy(&sidompul, "Pulsa, done at once", pulsa).await?;

    let package = Order::new("SIDOMPUL-2", "XC_FLEX_S", "087700000012")?.with_expected_price(Rupiah::new(13_703));
    let mut attempt = stage.buy(&sidompul, "A package that stays in process for a while", package).await?;
    stage.settle();
    stage.resolve(&sidompul, &mut attempt).await;

    let voucher = Order::new("SIDOMPUL-3", "AX-RM580808TK-TSP", "083800000021")?.with_option("stock", "awg");
    let mut attempt = stage.buy(&sidompul, "AXIS voucher stock, injected into a number", voucher).await?;
    stage.resolve(&sidompul, &mut attempt).await;

    let pulsa = reload("SIDOMPUL-4", "087700000014", 10_000)?;
    let mut attempt = stage.buy(&sidompul, "Pulsa refused with a code that no list explains", pulsa).await?;
    stage.resolve(&sidompul, &mut attempt).await;

    let pulsa = reload("SIDOMPUL-5", "087700000021", 50_000)?;
    stage.lose_next_reply("sidompul")?;
    let mut attempt = stage.buy(&sidompul, "Pulsa whose reply gets lost, found in the history", pulsa).await?;
    stage.resolve(&sidompul, &mut attempt).await;
    Ok(())
}
