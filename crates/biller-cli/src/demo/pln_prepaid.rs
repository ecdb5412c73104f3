use biller_core::{Order, Outcome, Rupiah};
use pln_prepaid::auth::SelfSigned;
use pln_prepaid::{Client, Config, PlnPrepaid, Struk, Transaction};

use super::stage::Stage;

/// PLN prepaid: a token and its struk, one that stays pending, one that fails, and a payment whose reply gets lost.
pub async fn act(stage: &mut Stage) -> Result<(), Box<dyn std::error::Error>> {
    stage.title("PLN prepaid (MyBills)");
    let given = stage.credentials("pln");
    let text = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let number = |name: &str| given[name].as_i64().unwrap_or_default();
    let (username, jwt_secret) = (text("merchant_outlet_username"), text("jwt_secret"));
    let token = SelfSigned::new(number("merchant_id"), number("merchant_outlet_id"), username, jwt_secret);
    let config = Config::new(&stage.base_url("pln"), text("api_secret"), token)?;
    let pln = PlnPrepaid::new(Client::new(config)?);
    let order = |reference: &str, customer: &str| {
        Order::new(reference, "PLNPR20", customer).map(|order| order.with_expected_price(Rupiah::new(20_500)))
    };

    let at_once = order("PLN-1", "86034655976")?;
    let mut attempt = stage.buy(&pln, "An electricity token, done at once", at_once).await?;
    let outcome = stage.resolve(&pln, &mut attempt).await;
    print_struk(stage, &outcome);

    let later = order("PLN-2", "829374298302")?;
    let mut attempt = stage.buy(&pln, "A token that stays pending for a while", later).await?;
    stage.settle();
    stage.resolve(&pln, &mut attempt).await;

    let failing = order("PLN-3", "829374298304")?;
    let mut attempt = stage.buy(&pln, "A token for which the biller is disrupted", failing).await?;
    stage.resolve(&pln, &mut attempt).await;

    stage.lose_next_reply("pln")?;
    let lost = order("PLN-4", "829374298301")?;
    let mut attempt = stage.buy(&pln, "A token whose payment's reply gets lost", lost).await?;
    let outcome = stage.resolve(&pln, &mut attempt).await;
    print_struk(stage, &outcome);
    Ok(())
}

/// Shows what the customer would get.
fn print_struk(stage: &Stage, outcome: &Outcome) {
    let Outcome::Succeeded(receipt) = outcome else { return };
    let transaction = Transaction::of(receipt);
    if let Some(struk) = transaction.as_ref().and_then(Struk::of) {
        for line in struk.with_shop("TOKO MAJU").render().lines() {
            stage.say(format_args!("    | {line}"));
        }
    }
}
