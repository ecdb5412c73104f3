//! Every sample of the documents, without the trailing commas that no wire carries.

use biller_core::{Claim, Error, Operation, Rupiah};
use biller_tests::reply;
use bytes::Bytes;
use pln_prepaid::model::{AdvisedState, Purchase};
use pln_prepaid::operations::{Advice, Inquiry, Payment};
use pln_prepaid::{InquiryRequest, callback};

pub const INQUIRY: &str = include_str!("../fixtures/pln-prepaid/inquiry.json");
pub const PAYMENT: &str = include_str!("../fixtures/pln-prepaid/payment.json");
pub const ADVICE: &str = include_str!("../fixtures/pln-prepaid/advice.json");
pub const CALLBACK: &str = include_str!("../fixtures/pln-prepaid/callback.json");

pub fn inquiry() -> InquiryRequest {
    InquiryRequest::new("TRX-000000351", "PLNPR20", "86034655976").unwrap()
}

pub fn read<O: Operation>(operation: &O, body: &str) -> Result<O::Output, Error> {
    operation.interpret(&reply(200, body.to_owned()))
}

/// The purchase that the samples are about.
pub fn purchase() -> Purchase {
    read(&Inquiry(inquiry()), INQUIRY).unwrap().purchase
}

#[test]
fn the_inquiry_decodes() {
    let inquired = read(&Inquiry(inquiry()), INQUIRY).unwrap();
    assert_eq!(inquired.purchase.reference_no(), "DEV-220118-0000006");
    assert_eq!(inquired.purchase.price(), Rupiah::new(20_500));
    assert!(inquired.purchase.is_electricity());
    let result = &inquired.transaction.result;
    assert_eq!(result.merchant_store_name.as_deref(), Some("MERCHANT ABC"));
    assert_eq!((result.merchant_outlet_id, result.product_type_id), (Some(896), Some(1)));
    assert_eq!((result.product_admin_fee, result.product_merchant_fee), (Some(Rupiah::ZERO), Some(Rupiah::ZERO)));
    assert_eq!(inquired.transaction.transaction_date.unwrap().to_wib_seconds(), "2022-01-18T13:50:04+07:00");
    assert!(inquired.transaction.serial_number.is_none());
    let receipt = inquired.transaction.electricity().unwrap();
    assert_eq!(receipt.customer_name.as_deref(), Some("JOHN DOE"));
    assert_eq!(receipt.customer_number.as_ref().unwrap().value.as_ref().unwrap().as_str(), "520061321123");
    assert_eq!(receipt.meter_number.as_ref().unwrap().text, "86034655976");
    let tariff = receipt.tariff_power.as_ref().unwrap();
    assert_eq!((tariff.as_str(), tariff.tariff(), tariff.power()), ("R1/450VA", Some("R1"), Some("450VA")));
    assert!(receipt.stroom_token.is_none() && receipt.energy.is_none() && receipt.sum().is_none());
    insta::assert_debug_snapshot!(inquired);
}

#[test]
fn the_payment_decodes() {
    let paid = read(&Payment(purchase()), PAYMENT).unwrap();
    assert!(paid.succeeded);
    let receipt = paid.transaction.electricity().unwrap();
    assert_eq!(receipt.reference.as_deref(), Some("0UAK211100048431C8F5"));
    assert_eq!(receipt.energy.as_ref().unwrap().value.unwrap().hundredths(), 1350);
    assert_eq!(receipt.stroom_token.as_ref().unwrap().reveal(), "61560790055664777418");
    let amount = |part: &Option<pln_prepaid::bill::Printed<Rupiah>>| part.as_ref().unwrap().value.unwrap().get();
    assert_eq!(amount(&receipt.energy_cost), 18_181);
    assert_eq!(amount(&receipt.street_light_tax), 1_819);
    assert_eq!(amount(&receipt.vat) + amount(&receipt.instalment) + amount(&receipt.stamp_duty), 0);
    assert_eq!(receipt.sum(), Some(Rupiah::new(20_000)));
    assert!(receipt.warnings(Some(Rupiah::new(20_000))).is_empty());
    insta::assert_debug_snapshot!(paid);
}

#[test]
fn the_advice_decodes() {
    let advised = read(&Advice(purchase()), ADVICE).unwrap();
    assert_eq!(advised.state, AdvisedState::Succeeded);
    assert_eq!(advised.transaction.result.partner_approval_no.as_deref(), Some("ytyui876543"));
    assert_eq!(advised.transaction.serial_number.as_ref().unwrap().expose(), "9111722123461556920");
    assert_eq!(advised.transaction.stroom_token().unwrap().reveal_grouped(), "6156-0790-0556-6477-7418");
}

#[test]
fn the_callback_decodes_and_its_answer_is_the_sample() {
    let request = http::Request::post("/").body(Bytes::from(CALLBACK)).unwrap();
    let hint = callback::parse(&request).unwrap();
    assert_eq!((hint.reference.as_str(), hint.claim), ("TRX-000000351", Claim::Succeeded));
    assert_eq!(hint.provider_id.as_deref(), Some("DEV-220118-0000006"));
    assert_eq!(hint.customer.as_deref(), Some("86034655976"));
    assert_eq!((hint.product.as_deref(), hint.amount), (Some("PLNPR20"), Some(Rupiah::new(20_500))));
    let answer = callback::answer(Ok(&hint), biller_core::Timestamp::from_unix_millis(1_642_488_604_000));
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    assert_eq!(
        answer.body(),
        r#"{"responseCode":"00","responseMessage":"Success","responseDatetime":"2022-01-18T13:50:04+07:00","result":""}"#
    );
}
