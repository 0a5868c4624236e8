// Private keys of nobody: made for these tests, and good for nothing else.

import type { JWK } from "jose";

export const FIXED_KEYS = {
  RSA: {
    kty: "RSA",
    n: "q_APrKZe8iiknDLLo-a8FoOpgk5jPRogq-_UpL0G7BshglAMlnv64mTIkWZOgQkyRt2F6eaonYq1JT0QZ6bvWCx0vqM1l9M9LhmTORNpp9OHxmLY_0AQPfolxerjXD-GZXrvzSbSZ4DcJKZg7FYC2z40_NeKxOGqrznTZSMGZOs4qMbOQFtnCI8hB20Ls_1liao6bwEP2LgxoJPqmnHaYRIbrFJu5T_mdSTn5515eLuz9-paQf1a1MUkNwTC9OCrseGPK3V86gwFjwWQPz3gTdIcFqMZURJU76IMVE6cyOUHWeniJSWrnybbaRTno2MfW5lAwGNcEbF6VABm8U-W3Q",
    e: "AQAB",
    d: "efOYof7iGpxHeplwSOGd_nDb8gg7VZ5JVUQtDFDChxt4rrag-Han6HSwBuMX81GpTB0dg5wzUfEsuFO5r7_aDyfIt4WUM8aJxjoCnn7FtjK_Gvdn-CD1hmDbeve5GKm9LIGlXBDSGtwSWhn4M1mEaODNSH3SDADFe9NJeGGpVORuJ9qPl0-SKJ6JdCjAOSzc-IVT8eL7zeh2TdZZHRwv1Ytg10bPgMsE_nvMbrSmjePCT4cNmsMCnRrHjMd5qy6OniLiqmZEfMzVa4p0HBhMJBdQdNTAN8Plk9Z_vp7l8rx_egWCsyFN1eVEK27l1zYiPWGjKErN571U_3U155Qh",
    p: "5DslWmDVW2oD-GR2y3VpSM6AskxMfMIwbie1XOtTAz_GfL3v1L2cD0PeR5axtmXYx95WzBhEOFriO8xeaTu6XnGEeZya6msIEYUItGMmIo957PniJADaLMydWtcr3jLIiWCeR6FxawNhTiGRqg72J_xC4FJZNsk_KKzrt25Eabk",
    q: "wNuDTh6doMdpgCIXFB_qllZlK75thjVS-OeTaZkTa26vI8LSQOReZXtKFTvgbb1QQxKHw3UlRCDPHeIbnZx26N6jVojQC6c1-T4gQJP6-EfWjiYKuyBvAt8vsiviVOPzIjhqAxSswlVHbdtoe7qesTbaW0izAeIjYG9LuJaD2EU",
    dp: "EfWJgewevdvAxjn5kxcBGuaM__q7BhItx20-ezpVROsuzkAP8DifYCAiDJYSE909yrR3NgYu0BRuuu_g-fzmNGpQV1V4ZzvW3bIPNkqbBJsvp_Md1WFvyZisRSqrXAe4-f5tVguhJh-U95XypWQaAJl8FbTFKmd5ndTFk6CMp5k",
    dq: "RJwTW3BS3YbzxmzaTwOHvlIgDe7iIfPIf9pKvC-EFB09W3iMuh9EYc_5rBIwJnpKGoJ2IBgF2PXfGR9-eZTXTMMf0sI7WVn0PqZWbQL4LunHr6xi9u1z8M6btkQccdzie1Mci9oIF96k2bVLt3DN0ffUuNLlNA9STJVrl9CcOQ0",
    qi: "OiRUSwRc5zApM32rz8uwe7daDr-Qp2dqxBonWagaKQiqSchegWm6E4Ul67liJ2YrBIUyB-tNbScaikS-VT1iUt0pRAA5cDUFEZEfGPYgLfqqwIb2NqFjZOPBTZG7MjKtc50MbsJTJ32siOWLhFQcsYKcrOccPyqEJ3fRR_pBFsQ",
  },
  "P-256": {
    kty: "EC",
    x: "Cf39faw_MZl350ilj1LM6PYF3MWlLB8Jogd0xQ9Ka6I",
    y: "il5kGjiPku7deESY0eSfRSjbFqKo7UEUpS07xsMZltU",
    crv: "P-256",
    d: "a8roj1GrYr0K_r8WAFjDs3gFlqsB7QOxNMbDBe8tTwo",
  },
  "P-384": {
    kty: "EC",
    x: "HAZbaINbyZzr1HBrv-5eWN3umXUl6MUhBTWZ1ZbJfoqqN0M2Lgge48WCdOFWpzj0",
    y: "ey2BDxKWbUmD74ial7izs-irZpcMPaRFyW11X_VqdFbFMnBiKP_HdxkXfmBJp3gE",
    crv: "P-384",
    d: "jc-1Et0JslZ-tq-dgyZtdz6yrSC3lfZHDN6xUEaCDWeo494OrZRQTMoIz15XgB6M",
  },
  "P-521": {
    kty: "EC",
    x: "AXhGcVma6z1rNyc2eavX8jfz7pvFGY9RwRt2YLHLLgUs2dr3MnS_PYXUp9xH6bR1Oe69PU9X_y3QJBT29ncUEcZg",
    y: "AH_NkSMgGS0kbSa7VEHzhYa3fRF4tAx57dT42KpIaIx4D8HBc0_2zCzz6FpbUAixoOqAn4xI-guiFhvXJfMoJzn_",
    crv: "P-521",
    d: "AFYsKvLIWhusGdb0_KOM3iCFbiIk9qkTTq7ZYRfje_ZPiEvZFfA2ucnZXOiV72GX4ri28Q_xUSp4o5C4NOW4EIIW",
  },
  Ed25519: {
    crv: "Ed25519",
    d: "7rs03vm3FceHCsaBqW2ert9ol1EBRST68if5XR228T8",
    x: "TNQeXPfF7u-7TAX17RXuZNadjPRJqNocSfHGJsuHsDk",
    kty: "OKP",
  },
} as const satisfies Readonly<Record<string, JWK>>;
