use std::io::IsTerminal;

use biller_core::Rupiah;
use biller_sandbox::{Charge, ChargeState};
use comfy_table::{Table, presets};
use serde_json::json;

use super::stage::Belief;

/// Beliefs beside the ledger.
pub struct Report {
    rows: Vec<Row>,
    /// Charges that no belief accounts for.
    unclaimed: Vec<Charge>,
}

struct Row {
    belief: Belief,
    charges: Vec<Charge>,
}

impl Row {
    /// Succeeded is one charge that succeeded, of the amount believed; failed is no charge, or one given back; pending is one
    /// pending charge; unknown agrees with nothing.
    fn agrees(&self) -> bool {
        match (self.belief.outcome, self.charges.as_slice()) {
            ("succeeded", [charge]) => {
                let amount = Rupiah::new(charge.amount);
                charge.state == ChargeState::Succeeded && self.belief.charged.is_none_or(|charged| charged == amount)
            }
            ("failed", charges) => {
                charges.iter().all(|charge| charge.state == ChargeState::Failed) && charges.len() <= 1
            }
            ("pending", [charge]) => charge.state == ChargeState::Pending,
            _ => false,
        }
    }

    fn ledger(&self) -> String {
        let charges: Vec<String> = self
            .charges
            .iter()
            .map(|charge| format!("{} {}", state(charge.state), Rupiah::new(charge.amount)))
            .collect();
        if charges.is_empty() { "no charge".to_owned() } else { charges.join(", ") }
    }
}

fn state(state: ChargeState) -> &'static str {
    match state {
        ChargeState::Pending => "pending",
        ChargeState::Succeeded => "succeeded",
        ChargeState::Failed => "failed",
    }
}

impl Report {
    /// Assigns every charge to the purchase that it belongs to: by reference, or by customer and product where the provider takes no
    /// reference. The sandbox's names of the providers are the beginnings of the crates'.
    pub fn new((beliefs, mut charges): (Vec<Belief>, Vec<Charge>)) -> Self {
        let mut rows = Vec::new();
        for belief in beliefs {
            let belongs = |charge: &mut Charge| {
                belief.provider.starts_with(charge.provider)
                    && match &charge.reference {
                        Some(reference) => *reference == belief.reference,
                        None => {
                            same_product(&charge.product, &belief.product)
                                && same_customer(&charge.customer, &belief.customer)
                        }
                    }
            };
            let charges = charges.extract_if(.., belongs).collect();
            rows.push(Row { belief, charges });
        }
        Self { rows, unclaimed: charges }
    }

    /// Whether the client believes exactly what the ledger says.
    pub fn agrees(&self) -> bool {
        self.unclaimed.is_empty() && self.rows.iter().all(Row::agrees)
    }

    /// For people.
    pub fn print_table(&self) {
        let mut table = Table::new();
        let terminal = std::io::stdout().is_terminal();
        table.load_preset(if terminal { presets::UTF8_FULL_CONDENSED } else { presets::ASCII_MARKDOWN });
        table.set_header(["provider", "reference", "product", "the client believes", "the ledger says", ""]);
        for row in &self.rows {
            let belief = &row.belief;
            let charged = belief.charged.map(|charged| format!(" {charged}")).unwrap_or_default();
            table.add_row([
                belief.provider.to_owned(),
                belief.reference.clone(),
                belief.product.clone(),
                format!("{}{charged}", belief.outcome),
                row.ledger(),
                if row.agrees() { "agree" } else { "DIFFER" }.to_owned(),
            ]);
        }
        println!("\n{table}");
        for charge in &self.unclaimed {
            println!("charge {} at {} belongs to no purchase", charge.id, charge.provider);
        }
        let verdict = if self.agrees() { "Client and ledger agree." } else { "Client and ledger DIFFER." };
        println!("\n{verdict}");
    }

    /// For programs.
    pub fn print_json(&self) -> serde_json::Result<()> {
        let purchases: Vec<_> = self
            .rows
            .iter()
            .map(|row| {
                json!({
                    "provider": row.belief.provider,
                    "reference": row.belief.reference,
                    "product": row.belief.product,
                    "outcome": row.belief.outcome,
                    "charged": row.belief.charged,
                    "ledger": row.charges,
                    "agree": row.agrees(),
                })
            })
            .collect();
        let report = json!({ "purchases": purchases, "unclaimed": self.unclaimed, "agree": self.agrees() });
        println!("{}", serde_json::to_string_pretty(&report)?);
        Ok(())
    }
}

/// SIDOMPUL's ledger writes the denomination of a reload behind its code.
fn same_product(charged: &str, believed: &str) -> bool {
    charged.strip_prefix(believed).is_some_and(|rest| rest.is_empty() || (believed == "W2P" && rest.starts_with('-')))
}

/// Ledgers write phone numbers in the provider's form.
fn same_customer(one: &str, other: &str) -> bool {
    let phone = |text| biller_core::Msisdn::parse(text).ok();
    one == other || phone(one).zip(phone(other)).is_some_and(|(one, other)| one == other)
}
