use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::invalid_value::shape_of;
use crate::{InvalidValue, Msisdn, ProductCode, Reference, Rupiah};

/// What a customer wants to buy, in words that every provider understands.
///
/// ```
/// use biller_core::{Order, Rupiah};
///
/// let order = Order::new("INV-2026-0001", "PLN20", "01105691111")?.with_expected_price(Rupiah::new(20_500));
/// assert_eq!(order.reference().as_str(), "INV-2026-0001");
/// # Ok::<(), biller_core::InvalidValue>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    reference: Reference,
    product: ProductCode,
    customer: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    amount: Option<Rupiah>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expected_price: Option<Rupiah>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    phone: Option<Msisdn>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    months: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeat: Option<u32>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    options: BTreeMap<String, String>,
}

impl Order {
    /// An order under the partner's own reference, which names this one purchase for ever: a new reference is a new purchase.
    ///
    /// `customer` is who gets it: a phone number, meter number, account or bill number, 1 to 64 printable ASCII characters.
    pub fn new(reference: &str, product: &str, customer: &str) -> Result<Self, InvalidValue> {
        let customer = customer.trim();
        if customer.is_empty() || customer.len() > 64 || !customer.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            return Err(InvalidValue::new("customer", shape_of(customer), "1 to 64 printable ASCII characters"));
        }
        Ok(Self {
            reference: Reference::parse(reference)?,
            product: ProductCode::parse(product)?,
            customer: customer.to_owned(),
            amount: None,
            expected_price: None,
            phone: None,
            months: None,
            repeat: None,
            options: BTreeMap::new(),
        })
    }

    /// The value that the customer wants, for products without a fixed one.
    #[must_use]
    pub fn with_amount(mut self, amount: Rupiah) -> Self {
        self.amount = Some(amount);
        self
    }

    /// What the partner expects to pay; another price at the provider stops the purchase before any money moves.
    #[must_use]
    pub fn with_expected_price(mut self, price: Rupiah) -> Self {
        self.expected_price = Some(price);
        self
    }

    /// The customer's phone number, where `customer` is something else.
    #[must_use]
    pub fn with_phone(mut self, phone: Msisdn) -> Self {
        self.phone = Some(phone);
        self
    }

    /// The number of months to pay, for bills that leave the choice.
    #[must_use]
    pub fn with_months(mut self, months: u32) -> Self {
        self.months = Some(months);
        self
    }

    /// Which one of several equal purchases of a day this is, counted from 1, for providers that sell equal ones once a day.
    #[must_use]
    pub fn with_repeat(mut self, repeat: u32) -> Self {
        self.repeat = Some(repeat);
        self
    }

    /// A provider's own option, by the name that its crate documents.
    #[must_use]
    pub fn with_option(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.insert(name.into(), value.into());
        self
    }

    /// The partner's reference of this purchase.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// The provider's product code.
    pub fn product(&self) -> &ProductCode {
        &self.product
    }

    /// Phone number, meter number, account or bill number.
    pub fn customer(&self) -> &str {
        &self.customer
    }

    /// The customer in one writing, to compare by: a phone number without its prefix, everything else without blanks and dashes.
    pub fn plain_customer(&self) -> String {
        plain(&self.customer)
    }

    /// The value that the customer wants, for products without a fixed one.
    pub fn amount(&self) -> Option<Rupiah> {
        self.amount
    }

    /// What the partner expects to pay.
    pub fn expected_price(&self) -> Option<Rupiah> {
        self.expected_price
    }

    /// The customer's phone number, where given.
    pub fn phone(&self) -> Option<&Msisdn> {
        self.phone.as_ref()
    }

    /// The number of months to pay, where given.
    pub fn months(&self) -> Option<u32> {
        self.months
    }

    /// Which one of several equal purchases of a day this is; 1 unless given.
    pub fn repeat(&self) -> u32 {
        self.repeat.unwrap_or(1)
    }

    /// The provider's own option of this name.
    pub fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// Refuses an amount or an expected price below one rupiah, naming the field.
    pub fn check_amounts(&self) -> Result<(), InvalidValue> {
        for (field, value) in [("amount", self.amount), ("expected_price", self.expected_price)] {
            if let Some(value) = value.filter(|value| !value.is_positive()) {
                return Err(InvalidValue::new(field, value.to_string(), "at least Rp1"));
            }
        }
        Ok(())
    }
}

/// A customer number in the one writing that [`Order::plain_customer`] has.
pub(crate) fn plain(customer: &str) -> String {
    match Msisdn::parse(customer) {
        Ok(number) => number.national().to_owned(),
        Err(_) => customer.chars().filter(|c| !matches!(c, ' ' | '-')).collect(),
    }
}

/// A customer number with all but its last four characters hidden; one of fewer than eight wholly.
pub(crate) fn hidden(text: &str) -> String {
    let length = text.chars().count();
    let hidden = if length < 8 { length } else { length - 4 };
    text.chars().enumerate().map(|(n, c)| if n < hidden { '*' } else { c }).collect()
}

impl fmt::Debug for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Order")
            .field("reference", &self.reference)
            .field("product", &self.product)
            .field("customer", &hidden(&self.customer))
            .field("amount", &self.amount)
            .field("expected_price", &self.expected_price)
            .field("repeat", &self.repeat)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn refuses_what_no_provider_takes_and_names_the_field() {
        let long = "1".repeat(65);
        for (reference, product, customer, expected) in [
            ("", "S10", "0812", "reference: empty; "),
            ("A 1", "S10", "0812", "reference: 3 characters (1 digit, 1 letter, 1 other); "),
            ("A-1", "S 10", "0812", "product code: 4 characters (2 digits, 1 letter, 1 other); "),
            ("A-1", "S10", "  ", "customer: empty; "),
            ("A-1", "S10", "08\n12", "customer: 5 characters (4 digits, 1 other); "),
            ("A-1", "S10", "é", "customer: 1 character (1 letter); "),
            ("A-1", "S10", long.as_str(), "customer: 65 characters (65 digits); "),
        ] {
            let error = Order::new(reference, product, customer).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert_eq!(Order::new("A-1", "S10", " 0812 ").unwrap().customer(), "0812");
        assert_eq!(Order::new("A-1", "S10", &"1".repeat(64)).unwrap().repeat(), 1);
    }

    #[test]
    fn refuses_amounts_below_one_rupiah() {
        let order = || Order::new("A-1", "S10", "0812").unwrap();
        assert_eq!(order().check_amounts(), Ok(()));
        assert_eq!(order().with_amount(Rupiah::new(1)).with_expected_price(Rupiah::new(1)).check_amounts(), Ok(()));
        for wrong in [Rupiah::ZERO, Rupiah::new(-5)] {
            assert_eq!(order().with_amount(wrong).check_amounts().unwrap_err().field(), "amount");
            assert_eq!(order().with_expected_price(wrong).check_amounts().unwrap_err().field(), "expected_price");
        }
    }

    #[test]
    fn debug_hides_customer_phone_and_options() {
        let order = Order::new("A-1", "PLN20", "01105691111")
            .unwrap()
            .with_amount(Rupiah::new(20_000))
            .with_phone(Msisdn::parse("081213456789").unwrap())
            .with_option("channel", "shop 7");
        assert_eq!(
            format!("{order:?}"),
            "Order { reference: Reference(\"A-1\"), product: ProductCode(\"PLN20\"), customer: \"*******1111\", \
             amount: Some(Rupiah(20000)), expected_price: None, repeat: None, .. }"
        );
    }

    #[test]
    fn a_short_customer_number_is_hidden_wholly() {
        for (customer, shown) in [
            ("", ""),
            ("1", "*"),
            ("1234", "****"),
            ("1234567", "*******"),
            ("12345678", "****5678"),
            ("01105691111", "*******1111"),
        ] {
            assert_eq!(hidden(customer), shown);
        }
    }
}
