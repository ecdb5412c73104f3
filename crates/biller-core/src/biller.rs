use bytes::Bytes;

use crate::{
    Attempt, BoxFuture, Capabilities, Error, Hint, HistoryEntry, Inquiry, Order, Outcome, Product, Records, Rupiah,
    Schedule, WibDay,
};

/// One face for all providers: what can be done with any of them, by any of them.
///
/// A purchase takes three steps. [`prepare`](Self::prepare) checks it and moves no money; [`pay`](Self::pay) sends the one request
/// that moves money; [`resolve`](Self::resolve) asks what became of it, as often as it takes.
///
/// Object-safe: `Arc<dyn Biller>` holds any provider.
pub trait Biller: Send + Sync {
    /// The provider, by the name of its feature in the facade, such as `klikoo`.
    fn provider(&self) -> &'static str;

    /// What the provider offers, and what it cannot do.
    fn capabilities(&self) -> Capabilities;

    /// When to ask what became of a purchase, and when to call a person.
    fn schedule(&self) -> &Schedule;

    /// The price list.
    fn products(&self) -> BoxFuture<'_, Result<Vec<Product>, Error>> {
        unsupported(self.provider(), "price list")
    }

    /// What is left of the deposit, in rupiah. Information for people: it never decides about a purchase.
    fn balance(&self) -> BoxFuture<'_, Result<Rupiah, Error>> {
        unsupported(self.provider(), "balance")
    }

    /// Every transaction of a WIB day that the provider lists, in no particular order: complete, or an error. To compare by; it never
    /// decides about a purchase.
    fn history(&self, _day: WibDay) -> BoxFuture<'_, Result<Vec<HistoryEntry>, Error>> {
        unsupported(self.provider(), "history")
    }

    /// Who the customer is and what it would cost, without preparing a purchase. May use up a reference derived from the order's.
    fn inquire<'a>(&'a self, _order: &'a Order) -> BoxFuture<'a, Result<Inquiry, Error>> {
        unsupported(self.provider(), "inquiry")
    }

    /// Checks the order, with an inquiry or the price list where the provider has one. Moves no money; may be repeated.
    ///
    /// Every error is [`NotExecuted`](crate::Execution::NotExecuted) as far as money goes: nothing has been bought.
    fn prepare(&self, order: Order) -> BoxFuture<'_, Result<Attempt, Error>>;

    /// Sends the one request that moves money, after the attempt has been saved as sent.
    ///
    /// An attempt is paid once: a second call answers [`Outcome::Unknown`] with
    /// [`AlreadySent`](crate::ErrorKind::AlreadySent) and sends nothing. Dropping the future leaves the attempt as sent, hence unknown.
    fn pay<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome>;

    /// Asks the provider what became of the purchase: one look.
    ///
    /// When it cannot be told, what was known stays: pending stays pending, a final outcome never changes. A contradiction is
    /// noted in [`Attempt::attention`].
    fn resolve<'a>(&'a self, attempt: &'a mut Attempt, records: &'a dyn Records) -> BoxFuture<'a, Outcome>;

    /// Reads a callback. The hint settles nothing: give it to [`confirm`](Self::confirm).
    fn parse_callback(&self, _request: &http::Request<Bytes>) -> Result<Hint, Error> {
        Err(missing(self.provider(), "callback"))
    }

    /// What to answer to a callback, once its hint has been stored or could not be read or stored.
    fn answer_callback(&self, hint: Result<&Hint, &Error>) -> http::Response<Bytes> {
        let status = if hint.is_ok() { http::StatusCode::OK } else { http::StatusCode::BAD_REQUEST };
        let mut response = http::Response::new(Bytes::new());
        *response.status_mut() = status;
        response
    }

    /// Follows up a hint about this attempt: compares it, notes what differs, and asks the provider. Only the provider's answer
    /// counts.
    fn confirm<'a>(
        &'a self,
        attempt: &'a mut Attempt,
        hint: &'a Hint,
        records: &'a dyn Records,
    ) -> BoxFuture<'a, Outcome> {
        let _ = hint;
        self.resolve(attempt, records)
    }
}

fn unsupported<'a, T: Send + 'a>(provider: &'static str, what: &'static str) -> BoxFuture<'a, Result<T, Error>> {
    Box::pin(async move { Err(missing(provider, what)) })
}

fn missing(provider: &'static str, what: &'static str) -> Error {
    Error::unsupported("the provider documents no such call").at(provider, what, None)
}
