//! The envelope of every answer, and what stands in it.

use jiff::Timestamp;
use serde::Serialize;

use super::products::{Answer, BillRow, Details, GOOGLE_PLAY_ACCOUNT, Kind, Product, Purchase, Row, details};
use super::scenario::{Class, status_class};
use super::transactions::Transaction;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Envelope<D> {
    response_code: Code,
    success: bool,
    message: Message,
    data: D,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Code {
    Number(u16),
    Text(String),
}

#[derive(Serialize)]
struct Message {
    #[serde(rename = "ID")]
    indonesian: String,
    #[serde(rename = "EN")]
    english: String,
}

/// `{}`.
#[derive(Serialize)]
pub(super) struct Nothing {}

/// An answer about a product, or about none that is known.
pub(super) fn envelope<D>(code: u16, product: Option<&Product>, data: D) -> Envelope<D> {
    let kind = product.map(|product| product.kind);
    let (indonesian, english) = match code {
        0 | 4 => ("Transaksi Anda Telah Berhasil".to_owned(), "Your transaction was successful".to_owned()),
        100 => ("Transaksi gagal, gangguan operator".to_owned(), "Transaction failed, operator fault".to_owned()),
        103 => ("Transaksi gagal, nomor salah".to_owned(), "Transaction failed, wrong number".to_owned()),
        188 => ("transaksi tidak tersedia".to_owned(), "transaction is not available".to_owned()),
        299 => ("Transaksi sedang dalam proses".to_owned(), "Your transaction is processing".to_owned()),
        300 => ("Inkuiri berhasil".to_owned(), "Inquiry is successful".to_owned()),
        304 => ("Nomor pelanggan salah".to_owned(), "Wrong customer number".to_owned()),
        _ => (format!("Transaksi gagal ({code})"), format!("Transaction failed ({code})")),
    };
    Envelope {
        response_code: if kind == Some(Kind::Game) { Code::Text(code.to_string()) } else { Code::Number(code) },
        success: matches!(code, 0..=99 | 200..=300) && !(code == 299 && kind == Some(Kind::EMoney)),
        message: Message { indonesian, english },
        data,
    }
}

/// A list or a balance.
pub(super) fn success<D>(data: D) -> Envelope<D> {
    envelope(0, None, data).saying("Berhasil", "Success")
}

/// The answer to a request that did not pass the checks of its headers and its token.
pub(super) fn unauthorized() -> Envelope<Nothing> {
    envelope(401, None, Nothing {}).saying("Tidak sah", "Unauthorized")
}

impl<D> Envelope<D> {
    fn saying(mut self, indonesian: &str, english: &str) -> Self {
        self.message = Message { indonesian: indonesian.to_owned(), english: english.to_owned() };
        self
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Balance<'a> {
    pub balance: i64,
    pub currency: &'static str,
    pub partner_id: &'a str,
}

/// An inquiry's answer, in one of its two shapes.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum InquiryData {
    Usual(UsualInquiry),
    EMoney(EMoneyInquiry),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UsualInquiry {
    inquiry_id: i64,
    account_number: String,
    customer_name: &'static str,
    product_name: &'static str,
    product_code: String,
    category: &'static str,
    amount: i64,
    total_admin: i64,
    processing_fee: i64,
    denom: &'static str,
    validity: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_details: Option<Vec<Row>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_detail: Option<Vec<Row>>,
    bill_details: Vec<BillRow>,
    product_details: Vec<Row>,
    extra_fields: Vec<Row>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EMoneyInquiry {
    request_id: String,
    ref_number: i64,
    inquiry_id: i64,
    amount: i64,
    total_admin: i64,
    account_number: String,
    customer_name: &'static str,
    category: &'static str,
    product_code: String,
    product_name: &'static str,
    validity: &'static str,
    bill_details: Vec<BillRow>,
    customer_details: Vec<Row>,
    extra_fields: Vec<Row>,
    product_details: Vec<Row>,
}

/// What an inquiry answers; `serial` is the provider's own number of an eMoney inquiry.
pub(super) fn inquiry_data(purchase: &Purchase, inquiry_id: i64, serial: i64, at: Timestamp) -> InquiryData {
    let product = purchase.product;
    let account_number = purchase.answered_account();
    let Details { customer, bills, product: product_rows } =
        details(purchase, &account_number, at, None, Answer::Inquiry);
    let (amount, total_admin) = (purchase.inquired(), product.admin);
    let (customer_name, product_name) = (product.customer_name(), product.name);
    if product.kind == Kind::EMoney {
        return InquiryData::EMoney(EMoneyInquiry {
            request_id: format!("REQ{serial}"),
            ref_number: serial,
            inquiry_id,
            amount,
            total_admin,
            account_number,
            customer_name,
            category: product.category(),
            product_code: product.answered_code(),
            product_name,
            validity: "",
            bill_details: bills,
            customer_details: customer,
            extra_fields: Vec::new(),
            product_details: product_rows,
        });
    }
    let (customer_details, customer_detail) =
        if product.is_bare() { (None, Some(customer)) } else { (Some(customer), None) };
    InquiryData::Usual(UsualInquiry {
        inquiry_id,
        account_number,
        customer_name: if product.kind == Kind::DataPackage { "" } else { customer_name },
        product_name,
        product_code: product.answered_code(),
        category: product.category(),
        amount,
        total_admin,
        processing_fee: 0,
        denom: "",
        validity: "",
        customer_details,
        customer_detail,
        bill_details: bills,
        product_details: product_rows,
        extra_fields: Vec::new(),
    })
}

/// What payment, status and callback answer.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TransactionData {
    ref_number: String,
    transaction_id: u64,
    account_number: String,
    amount: i64,
    total_admin: i64,
    processing_fee: i64,
    denom: &'static str,
    product_code: String,
    product_name: &'static str,
    category: &'static str,
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    customer_name: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    validity: Option<&'static str>,
    customer_details: Option<Vec<Row>>,
    bill_details: Option<Vec<BillRow>>,
    product_details: Option<Vec<Row>>,
    extra_fields: Option<Vec<Row>>,
}

impl TransactionData {
    /// About no transaction at all.
    pub(super) fn unknown() -> Self {
        Self {
            ref_number: String::new(),
            transaction_id: 0,
            account_number: String::new(),
            amount: 0,
            total_admin: 0,
            processing_fee: 0,
            denom: "",
            product_code: String::new(),
            product_name: "",
            category: "",
            token: String::new(),
            customer_name: None,
            validity: None,
            customer_details: None,
            bill_details: None,
            product_details: None,
            extra_fields: None,
        }
    }
}

/// What an answer of this code says about a transaction: rows and token only of a success.
pub(super) fn transaction(transaction: &Transaction, code: u16, answer: Answer) -> Envelope<TransactionData> {
    let Transaction { purchase, account, number, .. } = transaction;
    let product = purchase.product;
    let succeeded = status_class(code) == Class::Succeeded;
    let (token, rows) = if succeeded {
        let token = transaction.token.as_str();
        (token, details(purchase, account, transaction.at, Some(token), answer))
    } else {
        (product.no_token(), Details::default())
    };
    let account_number = match (product.kind, answer) {
        (Kind::GooglePlay, Answer::Status) => GOOGLE_PLAY_ACCOUNT,
        _ => account,
    };
    let data = TransactionData {
        ref_number: transaction.reference.clone(),
        transaction_id: if answer == Answer::Status { number - 1 } else { *number },
        account_number: account_number.to_owned(),
        amount: product.charged(purchase.inquired()),
        total_admin: product.admin,
        processing_fee: 0,
        denom: "",
        product_code: product.answered_code(),
        product_name: product.name,
        category: product.category(),
        token: token.to_owned(),
        customer_name: (!product.is_bare()).then(|| if succeeded { product.customer_name() } else { "N/A" }),
        validity: (!product.is_bare()).then_some(""),
        customer_details: Some(rows.customer),
        bill_details: Some(rows.bills),
        product_details: Some(rows.product),
        extra_fields: Some(Vec::new()),
    };
    envelope(code, Some(product), data)
}
