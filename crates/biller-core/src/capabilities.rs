/// What a provider offers, and what it cannot do.
///
/// Where one of these is false, the corresponding call of [`Biller`](crate::Biller) answers
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// A product can be inquired before it is bought.
    pub inquiry: bool,
    /// There is a list of products and prices.
    pub products: bool,
    /// The deposit's balance can be asked.
    pub balance: bool,
    /// Past transactions can be listed.
    pub history: bool,
    /// The provider posts results to the partner.
    pub callback: bool,
    /// The payment carries the partner's reference, and the provider can be asked by it.
    pub own_reference: bool,
    /// The provider can tell two equal purchases (same customer, same product) apart. Where it cannot, a second one must not
    /// start while the first is pending or unknown; [`Attempt::key`](crate::Attempt::key) says which ones are equal.
    pub distinguishes_equal_purchases: bool,
}

impl Capabilities {
    /// Nothing at all, to be filled in.
    pub const NONE: Self = Self {
        inquiry: false,
        products: false,
        balance: false,
        history: false,
        callback: false,
        own_reference: false,
        distinguishes_equal_purchases: false,
    };
}
