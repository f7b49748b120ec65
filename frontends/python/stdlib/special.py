# special.py - special functions of triton.language.extra.libdevice: gamma, Bessel, inverses of the error function
# SPDX-License-Identifier: Apache-2.0
#
# The tables are Chebyshev coefficients (first kind, T0 first), interpolated at 50 digits with 45 nodes and cut below 2^-58:
# J0(x), J1(x) / x, Y0(x) - 2/pi log(x) J0(x) and (Y1(x) - 2/pi (log(x) J1(x) - 1/x)) / x in t = x^2 on [0, 64]; the
# amplitudes P and Q x/8 of Hankel's expansion in z = (8/x)^2 on [0, 1]; I0 and I1 times exp(-x) sqrt(x) in 8/x on [0, 1].
# log(Gamma(2 + z)) is its Taylor series, the rest of Stirling's formula has the Bernoulli numbers B2k / (2k (2k - 1)).
# The inverse normal distribution is Wichura's algorithm AS 241 (PPND16).


def _chebyshev(u, c: constexpr):
    # Clenshaw's recurrence; u in [-1, 1].
    n: constexpr = len(c)
    b1 = full_like(u, c[n - 1])
    b2 = u * 0.0
    for i in static_range(n - 2, 0, -1):
        b0 = 2.0 * u * b1 - b2 + c[i]
        b2 = b1
        b1 = b0
    return u * b1 - b2 + c[0]


def _horner(x, c: constexpr):
    n: constexpr = len(c)
    r = full_like(x, c[n - 1])
    for i in static_range(n - 2, -1, -1):
        r = fma(r, x, full_like(x, c[i]))
    return r


# --- gamma


def _lgamma_2(z):
    # log(Gamma(2 + z)) for |z| <= 1/2, with small relative error at 0.
    return z * _horner(z, (
        0.42278433509846713, 0.3224670334241132, -0.0673523010531981, 0.020580808427784546, -0.007385551028673986,
        0.0028905103307415234, -0.001192753911703261, 0.0005096695247430425, -0.00022315475845357939,
        9.945751278180853e-05, -4.492623673813314e-05, 2.050721277567069e-05, -9.439488275268397e-06,
        4.374866789907488e-06, -2.039215753801366e-06, 9.55141213040742e-07, -4.492469198764566e-07,
        2.1207184805554665e-07, -1.0043224823968099e-07, 4.7698101693639804e-08, -2.2711094608943164e-08,
        1.0838659214896955e-08, -5.183475041970047e-09, 2.4836745438024785e-09, -1.1921401405860912e-09,
        5.731367241678862e-10, -2.7595228851242334e-10, 1.330476437424449e-10))


def _stirling_sum(x):
    # What Stirling's formula adds to (x - 1/2) log(x) - x + log(2 pi) / 2, for x >= 8.
    r = 1.0 / x
    return r * _horner(r * r, (
        0.08333333333333333, -0.002777777777777778, 0.0007936507936507937, -0.0005952380952380953,
        0.0008417508417508417, -0.0019175269175269176, 0.00641025641025641, -0.029550653594771242))


def lgamma(x):
    a = abs(x)
    # 8 and more: Stirling.
    big = maximum(a, 8.0)
    high = (big - 0.5) * (log(big) - 1.0) + (_stirling_sum(big) + 0.4189385332046727)
    # 2.5 to 8: down to 2 + f, a product of what is left out.
    y = clamp(a, 0.25, 8.0)
    product = full_like(x, 1.0)
    for _ in static_range(6):
        step = y > 2.5
        y = where(step, y - 1.0, y)
        product = where(step, product * y, product)
    # 0.5 to 1.5: log(Gamma(1 + z)) = log(Gamma(2 + z)) - log(1 + z); below 0.5 log(Gamma(z)) = log(Gamma(1 + z)) - log(z).
    small = a < 0.5
    near_one = a < 1.5
    z = where(small, x, where(near_one, a - 1.0, y - 2.0))
    low = _lgamma_2(z)
    low = where(near_one, low - log1p(where(near_one, z, 0.0)), low + log(product))
    low = where(small, low - log(where(small, a, 1.0)), low)
    r = where(a < 8.0, low, high)
    r = where(a == float("inf"), a, r)
    # Gamma(-a) = -pi / (a sin(pi a) Gamma(a))
    s = abs(sinpi(a))
    reflected = where(s == 0.0, float("inf"), log(3.141592653589793 / (a * where(s == 0.0, 1.0, s))) - r)
    r = where(x <= -0.5, where(a == float("inf"), a, reflected), r)
    return where(a == 0.0, float("inf"), where(x != x, x, r))


def tgamma(x):
    a = abs(x)
    # 8 and more: two halves of the power, so that neither overflows before the result does.
    if x.dtype == float32:
        limit: constexpr = 44.0
    else:
        limit: constexpr = 186.0
    big = clamp(a, 8.0, limit)
    half = pow(big, 0.5 * big - 0.25)
    high1 = half * exp(-big) * (2.5066282746310002 * exp(_stirling_sum(big)))
    # below: Gamma(2 + f) times what leads to it
    y = clamp(a, 0.0, 8.0)
    product = full_like(x, 1.0)
    for _ in static_range(6):
        step = y > 2.5
        y = where(step, y - 1.0, y)
        product = where(step, product * y, product)
    small = a < 0.5
    near_one = a < 1.5
    z = where(small, x, where(near_one, a - 1.0, y - 2.0))
    low = exp(_lgamma_2(z)) * product
    low = where(near_one, low / (1.0 + z), low)
    low = where(small, low / where(a == 0.0, 1.0, x), low)
    f1 = where(a < 8.0, low, high1)
    f2 = where(a < 8.0, 1.0, half)
    positive = f1 * f2
    positive = where(a == float("inf"), a, positive)
    s = sinpi(a)
    negative = -3.141592653589793 / (a * s) / f1 / f2
    negative = where((s == 0.0) | (a == float("inf")), float("nan"), negative)
    r = where(x <= -0.5, negative, positive)
    return where(a == 0.0, 1.0 / x, where(x != x, x, r))


# --- Bessel functions


def _phase_0(x):
    # cos and sin of x - pi/4, times sqrt(2)
    return cos(x) + sin(x), sin(x) - cos(x)


def _hankel_0(x):
    w = 8.0 / x
    u = 2.0 * w * w - 1.0
    p = _chebyshev(u, (
        0.9994603493475187, -0.0005365220468132117, 3.0751847875194745e-06, -5.1705945376060975e-08,
        1.6306464635151382e-09, -7.86409137723707e-11, 5.168262387349193e-12, -4.3045788699253914e-13,
        4.3265957431549404e-14, -5.069034095935236e-15, 6.748072215733873e-16, -1.0011513723467786e-16,
        1.6305919233744186e-17))
    q = w * _chebyshev(u, (
        -0.015555854605337009, 6.838519942611649e-05, -7.414498411060647e-07, 1.7972457247968992e-08,
        -7.27191593686632e-10, 4.2201219046687385e-11, -3.206747420996635e-12, 3.006145125351706e-13,
        -3.336328185322427e-14, 4.255225040245461e-15, -6.09993013164005e-16, 9.662128970303257e-17,
        -1.6686065214378146e-17))
    return p, q, 0.5641895835477563 / sqrt_of(x)


def _hankel_1(x):
    w = 8.0 / x
    u = 2.0 * w * w - 1.0
    p = _chebyshev(u, (
        1.0009030408600137, 0.0008989898330859408, -3.987284300488908e-06, 6.177633960644299e-08,
        -1.8718907491063067e-09, 8.816898659582339e-11, -5.704863640395645e-12, 4.699195515230542e-13,
        -4.6842237839904895e-14, 5.452674896044717e-15, -7.221180842274018e-16, 1.0667689114335412e-16,
        -1.7312313216116335e-17))
    q = w * _chebyshev(u, (
        0.04677778706953532, -9.62772354915708e-05, 9.138615257955454e-07, -2.0959781384083424e-08,
        8.229193327650554e-10, -4.686363688176945e-11, 3.5152187949686082e-12, -3.2643156743279e-13,
        3.5967765829165294e-14, -4.5612523950772974e-15, 6.508282957783384e-16, -1.0269147531823243e-16,
        1.767635548776479e-17))
    return p, q, 0.5641895835477563 / sqrt_of(x)


def sqrt_of(x):
    return extra.libdevice.sqrt(x)


def _j0_small(x):
    return _chebyshev(x * x * 0.03125 - 1.0, (
        0.15772797147489012, -0.008723442352852221, 0.2651786132033368, -0.37009499387264977, 0.15806710233209725,
        -0.034893769411408884, 0.004819180069467605, -0.00046062616620627504, 3.246032882100508e-05,
        -1.7619469077621507e-06, 7.608163592418782e-08, -2.679253530557673e-09, 7.848696314479465e-11,
        -1.9438346867370164e-12, 4.125320595634374e-14, -7.588508125447546e-16, 1.2218515873961411e-17))


def _j1_small(x):
    return x * _chebyshev(x * x * 0.03125 - 1.0, (
        0.08104484632565812, -0.1489751450676521, 0.1609992623572097, -0.08268049176681791, 0.022213639654966037,
        -0.003646940600769276, 0.0004050337728354822, -3.255554866857259e-05, 1.9858774049915165e-06,
        -9.521984756750436e-08, 3.687133759097148e-09, -1.178026622695885e-10, 3.160154580348003e-12,
        -7.221755239651773e-14, 1.4232144003513942e-15, -2.4441972916190464e-17))


def j0(x):
    a = abs(x)
    big = clamp(a, 8.0, float("inf"))
    p, q, scale = _hankel_0(big)
    c, s = _phase_0(big)
    high = where(a == float("inf"), 0.0, scale * (p * c - q * s))
    return where(x != x, x, where(a < 8.0, _j0_small(minimum(a, 8.0)), high))


def j1(x):
    a = abs(x)
    big = clamp(a, 8.0, float("inf"))
    p, q, scale = _hankel_1(big)
    c, s = _phase_0(big)
    # x - 3 pi/4: cos is sin of x - pi/4, sin is minus its cos
    high = where(a == float("inf"), 0.0, scale * (p * s + q * c))
    r = where(a < 8.0, _j1_small(minimum(a, 8.0)), high)
    return where(x != x, x, where(x < 0.0, -r, r))


def y0(x):
    big = clamp(x, 8.0, float("inf"))
    p, q, scale = _hankel_0(big)
    c, s = _phase_0(big)
    high = where(x == float("inf"), 0.0, scale * (p * s + q * c))
    small = where(x > 0.0, minimum(x, 8.0), 1.0)
    low = 0.6366197723675814 * log(small) * _j0_small(small) + _chebyshev(small * small * 0.03125 - 1.0, (
        -0.03314611320328494, -0.2744743055297453, 0.17903431407718265, 0.26156734625504663, -0.17730201278114358,
        0.04719668959576339, -0.007287962479552079, 0.0007531135932577742, -5.632079141056987e-05,
        3.206532537654801e-06, -1.44072332740187e-07, 5.248794787330516e-09, -1.5837552541812015e-10,
        4.02633081830612e-12, -8.747341203310769e-14, 1.6434898714919468e-15, -2.6977881152566837e-17))
    r = where(x < 8.0, low, high)
    return where(x > 0.0, r, where(x == 0.0, -float("inf"), float("nan")))


def y1(x):
    big = clamp(x, 8.0, float("inf"))
    p, q, scale = _hankel_1(big)
    c, s = _phase_0(big)
    high = where(x == float("inf"), 0.0, scale * (q * s - p * c))
    small = where(x > 0.0, minimum(x, 8.0), 1.0)
    low = small * _chebyshev(small * small * 0.03125 - 1.0, (
        0.0025380132357417816, -0.01608717304766875, -0.09591204536083074, 0.08445197259652346,
        -0.028328123944594365, 0.005289897544167113, -0.0006414551451326356, 5.505982873338744e-05,
        -3.53808001868935e-06, 1.7707804556154404e-07, -7.11055004989928e-09, 2.344337905911516e-10,
        -6.4651518414115946e-12, 1.51429151205002e-13, -3.0511859694473254e-15, 5.34668038572867e-17))
    low = 0.6366197723675814 * (log(small) * _j1_small(small) - 1.0 / small) + low
    r = where(x < 8.0, low, high)
    return where(x > 0.0, r, where(x == 0.0, -float("inf"), float("nan")))


def _jn_scalar(n, x):
    # One element: the recurrence upwards where it is stable (n < x), else Miller's downwards.
    a = abs(x)
    r = full_like(x, 0.0)
    if n < 0:
        r = full_like(x, float("nan"))
    elif n == 0:
        r = j0(x)
    elif n == 1:
        r = j1(x)
    elif a < 1.0e-4:
        # (x/2)^n / n! and the next term of the series
        r = 1.0 - a * a / (4.0 * (n + 1).to(x.dtype))
        i = 1
        while (i <= n) & (r > 0.0):
            r *= 0.5 * a / i.to(x.dtype)
            i += 1
    elif a > n.to(x.dtype):
        low = j0(a)
        r = j1(a)
        i = 1
        while i < n:
            nxt = 2.0 * i.to(x.dtype) / a * r - low
            low = r
            r = nxt
            i += 1
    else:
        # Start far enough above n that what was started with has died out.
        start = n + 24 + sqrt_of(60.0 * n.to(x.dtype)).to(int32)
        start = (start // 2) * 2
        above = full_like(x, 0.0)
        here = full_like(x, 1.0e-30)
        total = full_like(x, 0.0)
        i = start
        while i > 0:
            below = 2.0 * i.to(x.dtype) / a * here - above
            above = here
            here = below
            i -= 1
            if abs(here) > 1.0e15:
                here *= 1.0e-15
                above *= 1.0e-15
                total *= 1.0e-15
                r *= 1.0e-15
            if i == n:
                r = here
            if (i & 1) == 0:
                if i == 0:
                    total += here
                else:
                    total += 2.0 * here
        r = r / total
    if (x < 0.0) & ((n & 1) == 1) & (n > 1):
        r = -r
    if x != x:
        r = x
    return r


def _yn_scalar(n, x):
    r = full_like(x, 0.0)
    if n < 0:
        r = full_like(x, float("nan"))
    elif n == 0:
        r = y0(x)
    elif n == 1:
        r = y1(x)
    else:
        low = y0(x)
        r = y1(x)
        i = 1
        while (i < n) & (abs(r) < float("inf")):
            nxt = 2.0 * i.to(x.dtype) / x * r - low
            low = r
            r = nxt
            i += 1
    return r


def jn(n, x):
    return map_elementwise(_jn_scalar, n, x)


def yn(n, x):
    return map_elementwise(_yn_scalar, n, x)


def cyl_bessel_i0(x):
    a = abs(x)
    # The power series: its terms are all positive.
    t = minimum(a, 8.0) * 0.5
    t = t * t
    low = full_like(x, 1.0)
    for k in static_range(28, 0, -1):
        low = fma(low, t * (1.0 / (k * k)), full_like(x, 1.0))
    big = maximum(a, 8.0)
    half = exp(0.5 * big)
    high = half * (_chebyshev(16.0 / big - 1.0, (
        0.4022452055070544, 0.0033691164782556943, 6.889758346916825e-05, 2.8913705208347567e-06,
        2.0489185894690638e-07, 2.266668990498178e-08, 3.3962320257083865e-09, 4.94060238822497e-10,
        1.1889147107846439e-11, -3.1499165279632416e-11, -1.3215811840447713e-11, -1.7941785315068062e-12,
        7.180124451383666e-13, 3.8527783827421426e-13, 1.54008621752141e-14, -4.150569347287222e-14,
        -9.554846698828307e-15, 3.8116806693526224e-15, 1.7725601330565263e-15, -3.425485619677219e-16,
        -2.827623980516583e-16, 3.4612228676974575e-17, 4.465621420296758e-17, -4.830504485944022e-18,
        -7.23318048787497e-18)) / sqrt_of(big)) * half
    high = where(a == float("inf"), a, high)
    return where(x != x, x, where(a < 8.0, low, high))


def cyl_bessel_i1(x):
    a = abs(x)
    small = minimum(a, 8.0)
    t = small * 0.5
    low = full_like(x, 1.0)
    for k in static_range(28, 0, -1):
        low = fma(low, t * t * (1.0 / (k * (k + 1))), full_like(x, 1.0))
    low = low * t
    big = maximum(a, 8.0)
    half = exp(0.5 * big)
    high = half * (_chebyshev(16.0 / big - 1.0, (
        0.38928811750914005, -0.009761097491361469, -0.00011058893876262371, -3.882564808877691e-06,
        -2.512236237870209e-07, -2.6314688468895196e-08, -3.835380385964237e-09, -5.589743462196584e-10,
        -1.8974958123505413e-11, 3.2526035830154884e-11, 1.4125807436613782e-11, 2.0356285441470896e-12,
        -7.198551776245908e-13, -4.0835511110921974e-13, -2.1015418427726643e-14, 4.272440016711951e-14,
        1.0420276984128802e-14, -3.8144030724370075e-15, -1.8803547755107825e-15, 3.3082023109209285e-16,
        2.96262899764595e-16, -3.20952592199342e-17, -4.650305368489357e-17, 4.414348323071546e-18,
        7.517296310842329e-18)) / sqrt_of(big)) * half
    high = where(a == float("inf"), a, high)
    r = where(a < 8.0, low, high)
    return where(x != x, x, copysign(r, x))


# --- error function and normal distribution


def _normal_quantile(q, tail):
    # q = p - 1/2 and tail = 2 min(p, 1 - p), each exact where it is used; twice, because half of the smallest float is zero.
    r = 0.180625 - q * q
    r = maximum(r, 0.0)
    central = q * _horner(
        r, (3.3871328727963666080e0, 1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
            4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3)
    ) / _horner(
        r, (1.0, 4.2313330701600911252e+1, 6.8718700749205790830e+2, 5.3941960214247511077e+3, 2.1213794301586595867e+4,
            3.9307895800092710610e+4, 2.8729085735721942674e+4, 5.2264952788528545610e+3))
    r = sqrt_of(0.6931471805599453 - log(where(tail > 0.0, minimum(tail, 1.0), 0.5)))
    s = r - 1.6
    middle = _horner(
        s, (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
            1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4)
    ) / _horner(
        s, (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1, 1.48103976427480074590e-1,
            1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9))
    s = r - 5.0
    far = _horner(
        s, (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
            2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7)
    ) / _horner(
        s, (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2, 7.86869131145613259100e-4,
            1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15))
    outer = copysign(where(r <= 5.0, middle, far), q)
    outer = where(tail == 0.0, copysign(full_like(q, float("inf")), q), outer)
    v = where(abs(q) <= 0.425, central, outer)
    return where((tail < 0.0) | (tail != tail), float("nan"), v)


def normcdfinv(p):
    return _normal_quantile(p - 0.5, 2.0 * minimum(p, 1.0 - p))


def erfinv(x):
    return 0.7071067811865476 * _normal_quantile(0.5 * x, 1.0 - abs(x))


def erfcinv(x):
    return -0.7071067811865476 * _normal_quantile(0.5 * (x - 1.0), minimum(x, 2.0 - x))


def erfcx(x):
    # 8 and more: the asymptotic series.
    big = maximum(x, 8.0)
    t = -0.5 / (big * big)
    high = full_like(x, 1.0)
    for k in static_range(20, 0, -1):
        high = fma(high, t * (2.0 * k - 1.0), full_like(x, 1.0))
    high = high * 0.5641895835477563 / big
    # Below: exp(x^2) with the rounding error of x^2 put back.
    y = clamp(x, -30.0, 8.0)
    square = y * y
    rest = fma(y, y, -square)
    e = exp(square)
    low = e * erfc(y)
    low = where(low < float("inf"), fma(low, rest, low), low)
    return where(x != x, x, where(x < 8.0, low, high))


def normcdf(x):
    # The argument of erfc with the rounding error of its product: erfc decays fast.
    y = x * -0.7071067811865476
    rest = fma(x, full_like(x, -0.7071067811865476), -y)
    if x.dtype == float32:
        rest = fma(x, full_like(x, -1.2101617104478969e-8), rest)
    else:
        rest = fma(x, full_like(x, 4.833646656726458e-17), rest)
    r = erfc(y)
    slope = -1.1283791670955126 * exp(-y * y)
    r = where((x < 0.0) & (r > 0.0), fma(slope, rest, r), r)
    return 0.5 * r
