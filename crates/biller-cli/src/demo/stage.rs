use std::fmt::Display;

use biller_core::{Attempt, Biller, Error, MemoryRecords, Order, Outcome, Rupiah};
use biller_sandbox::{Charge, Fault, FaultKind, LoggedRequest, Operation, Sandbox};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::broadcast;

/// What the client believes of one purchase.
pub struct Belief {
    pub provider: &'static str,
    pub reference: String,
    pub product: String,
    pub customer: String,
    pub outcome: &'static str,
    pub charged: Option<Rupiah>,
}

/// A sandbox that serves on loopback, and what has been bought there.
pub struct Stage {
    pub sandbox: Sandbox,
    pub seed: u64,
    payments: broadcast::Sender<()>,
    origin: String,
    records: MemoryRecords,
    beliefs: Vec<Belief>,
    quiet: bool,
}

impl Stage {
    /// Serves a new sandbox on a free port.
    pub async fn open(seed: u64, quiet: bool) -> std::io::Result<Self> {
        let payments = broadcast::Sender::new(16);
        let told = payments.clone();
        let observer = move |request: &LoggedRequest| {
            if request.operation == Some(Operation::Payment) {
                // Nobody has to listen.
                let _ = told.send(());
            }
        };
        let sandbox = Sandbox::builder().seed(seed).observer(observer).build();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = format!("http://{}", listener.local_addr()?);
        let server = sandbox.clone();
        tokio::spawn(async move { server.serve(listener, std::future::pending()).await });
        let (records, beliefs) = (MemoryRecords::default(), Vec::new());
        let stage = Self { sandbox, seed, payments, origin, records, beliefs, quiet };
        stage.say(format_args!("The sandbox serves on {}.", stage.origin));
        Ok(stage)
    }

    /// The client's base URL of a provider.
    pub fn base_url(&self, provider: &str) -> String {
        format!("{}/{provider}", self.origin)
    }

    /// What a client of the provider needs to connect.
    pub fn credentials(&self, provider: &str) -> Value {
        self.sandbox.credentials(provider).unwrap_or_default()
    }

    /// Tells of every payment that the sandbox gets from now on, once it has been acted upon and before it is answered.
    pub fn payments(&self) -> broadcast::Receiver<()> {
        self.payments.subscribe()
    }

    /// The heading of a provider's act.
    pub fn title(&self, text: &str) {
        self.say(format_args!("\n{text}\n{}", "-".repeat(text.len())));
    }

    /// One line for the reader.
    pub fn say(&self, text: impl Display) {
        if !self.quiet {
            println!("{text}");
        }
    }

    /// Loses the reply to the provider's next payment, which is executed all the same.
    pub fn lose_next_reply(&self, provider: &str) -> Result<(), biller_sandbox::Refusal> {
        self.say("  * the next payment's reply will get lost *");
        self.sandbox.arm(Fault::new(provider, FaultKind::LoseReply).on(Operation::Payment))
    }

    /// Makes every pending transaction final, as time would.
    pub fn settle(&self) {
        let settled = self.sandbox.settle();
        self.say(format_args!("  * time passes, {settled} transaction settles *"));
    }

    /// Prepares and pays.
    pub async fn buy(&mut self, biller: &dyn Biller, what: &str, order: Order) -> Result<Attempt, Error> {
        self.say(format_args!("{what}:"));
        let mut attempt = biller.prepare(order).await?;
        if let Some(inquiry) = attempt.inquiry() {
            let name = inquiry.customer_name.as_deref().unwrap_or("unnamed");
            let price = inquiry.price.map_or_else(|| "no price".to_owned(), |price| price.to_string());
            self.say(format_args!("  inquiry: {name}, {price}"));
        }
        let outcome = biller.pay(&mut attempt, &self.records).await;
        self.note(biller.provider(), &attempt, "pay", &outcome);
        Ok(attempt)
    }

    /// Asks once what became of it.
    pub async fn resolve(&mut self, biller: &dyn Biller, attempt: &mut Attempt) -> Outcome {
        let outcome = biller.resolve(attempt, &self.records).await;
        self.note(biller.provider(), attempt, "resolve", &outcome);
        outcome
    }

    /// Notes what the client now believes, and says it.
    fn note(&mut self, provider: &'static str, attempt: &Attempt, step: &str, outcome: &Outcome) {
        let (word, detail) = match outcome {
            Outcome::Succeeded(receipt) => ("succeeded", receipt.charged.map(|rupiah| rupiah.to_string())),
            Outcome::Pending => ("pending", None),
            Outcome::Failed(refusal) => ("failed", Some(format!("not charged: {refusal}"))),
            Outcome::Unknown(error) => ("UNKNOWN", Some(format!("may have been charged: {error}"))),
        };
        let detail = detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
        self.say(format_args!("  {step}: {word}{detail}"));
        let order = attempt.order();
        let charged = match outcome {
            Outcome::Succeeded(receipt) => receipt.charged,
            _ => None,
        };
        self.believe(Belief {
            provider,
            reference: order.reference().to_string(),
            product: order.product().to_string(),
            customer: order.customer().to_owned(),
            outcome: outcome.word(),
            charged,
        });
    }

    /// Notes what the client now believes of one purchase.
    pub fn believe(&mut self, belief: Belief) {
        let same = |known: &&mut Belief| known.provider == belief.provider && known.reference == belief.reference;
        match self.beliefs.iter_mut().find(same) {
            Some(known) => *known = belief,
            None => self.beliefs.push(belief),
        }
    }

    /// The beliefs, and the ledger to hold them against.
    pub fn close(self) -> (Vec<Belief>, Vec<Charge>) {
        let charges = self.sandbox.charges();
        (self.beliefs, charges)
    }
}
