use std::sync::Arc;
use std::time::Duration;

use biller_core::{Clock, ManualClock, Msisdn, OperatorPrefixes, Order, SystemClock, Timestamp, Wiring};
use mmbc_pulsa::{Client, Config, MmbcPulsa};

use super::stage::Stage;

/// The client's clock, which the act moves on: a lost reply is followed up two minutes later.
#[derive(Clone)]
struct ActClock(Arc<ManualClock>);

impl Clock for ActClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// MMBC: the price list, a top-up that is done at once, and one whose reply gets lost and which is found by the guarded re-send.
pub async fn act(stage: &mut Stage) -> Result<(), Box<dyn std::error::Error>> {
    stage.title("MMBC");
    let given = stage.credentials("mmbc");
    let credential = |name: &str| given[name].as_str().unwrap_or_default().to_owned();
    let config = Config::new(credential("username"), credential("password"))?.with_base_url(&stage.base_url("mmbc"))?;
    // Noon: near WIB midnight nothing would be sent again, and the demonstration would end with a person.
    let noon = SystemClock.now().wib_day().start().after(Duration::from_secs(12 * 3600));
    let clock = ActClock(Arc::new(ManualClock::new(noon)));
    let wiring = Wiring::http(Duration::from_secs(5))?.with_clock(clock.clone());
    let mmbc = MmbcPulsa::new(Client::with_wiring(config, wiring));

    let prices = mmbc.refresh_prices().await?;
    let number = Msisdn::parse("081234567891")?;
    let prefixes = OperatorPrefixes::default();
    let operator = prefixes.operator_of(&number).unwrap_or("nobody known");
    let fitting = prices.suggested_for(&number, &prefixes).count();
    stage.say(format_args!("{} products; {fitting} of {operator}, going by the number's prefix", prices.len()));

    let order = |reference: &str, product: &str| {
        let price = prices.find(product).map(|item| item.price);
        Order::new(reference, product, &number.to_0()).map(|order| match price {
            Some(price) => order.with_expected_price(price),
            None => order,
        })
    };
    stage.buy(&mmbc, "Pulsa, done at once", order("MMBC-1", "TEL10")?).await?;

    stage.lose_next_reply("mmbc")?;
    let mut attempt = stage.buy(&mmbc, "Pulsa whose reply gets lost", order("MMBC-2", "TEL5")?).await?;
    stage.say("  * two minutes pass: the same top-up is sent again, and MMBC refuses it as a duplicate *");
    clock.0.advance(Duration::from_secs(120));
    stage.resolve(&mmbc, &mut attempt).await;

    let mut attempt =
        stage.buy(&mmbc, "Pulsa that stays pending for a while", Order::new("MMBC-3", "TEL5", "081234567892")?).await?;
    stage.settle();
    stage.resolve(&mmbc, &mut attempt).await;
    Ok(())
}
