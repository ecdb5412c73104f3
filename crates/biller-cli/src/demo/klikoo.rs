use biller_core::{Biller, Error, Order, Outcome, Rupiah, Secret};
use klikoo::auth::PrivateKey;
use klikoo::{Client, Config, Klikoo};
use serde_json::Value;

use super::stage::Stage;

/// Settings for the sandbox with these credentials.
pub fn config(base_url: &str, given: &Value) -> Result<Config, Error> {
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let key = PrivateKey::from_pem(&Secret::new(credential("private_key_pem")))?;
    Config::new(base_url, credential("client_id"), credential("client_secret"), key)
}

/// A client over HTTP.
pub fn client(config: Config) -> Result<Klikoo, Error> {
    Ok(Klikoo::new(Client::new(config)?))
}

/// Klikoo: done at once, pending, refused, and a reply that gets lost.
pub async fn act(stage: &mut Stage) -> Result<(), Box<dyn std::error::Error>> {
    stage.title("Klikoo");
    let klikoo = client(config(&stage.base_url("klikoo"), &stage.credentials("klikoo"))?)?;
    let order = |reference: &str, product: &str, customer: &str, price: i64| {
        Order::new(reference, product, customer).map(|order| order.with_expected_price(Rupiah::new(price)))
    };
    stage.say(format_args!("deposit: {}", klikoo.balance().await?));

    let token = order("KLIKOO-1", "PLN20", "01105691111", 20_500)?;
    let mut attempt = stage.buy(&klikoo, "A PLN token, done at once", token).await?;
    if let Outcome::Succeeded(receipt) = stage.resolve(&klikoo, &mut attempt).await
        && let Some(token) = receipt.stroom_token
    {
        stage.say(format_args!("  token: {}", token.reveal_grouped()));
    }

    let pulsa = order("KLIKOO-2", "S10", "081200000002", 10_450)?;
    let mut attempt = stage.buy(&klikoo, "Pulsa that stays pending for a while", pulsa).await?;
    stage.settle();
    stage.resolve(&klikoo, &mut attempt).await;

    let wallet = order("KLIKOO-3", "DN1", "081200000004", 10_086)?;
    stage.buy(&klikoo, "An e-wallet that is refused", wallet).await?;

    let wallet = order("KLIKOO-4", "GOPAY10", "081200000001", 10_250)?;
    stage.lose_next_reply("klikoo")?;
    let mut attempt = stage.buy(&klikoo, "An e-wallet whose reply gets lost", wallet).await?;
    stage.resolve(&klikoo, &mut attempt).await;
    Ok(())
}
