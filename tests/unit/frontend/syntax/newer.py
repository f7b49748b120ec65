# SPDX-License-Identifier: Apache-2.0
type Pair[T] = tuple[T, T]
type Simple = int
def first[T: int, *Ts, **P](x: T, *args: *Ts) -> T:
    pass
class Box[T](Base, metaclass=M):
    pass
async def later[T](): pass
a = f"{x["k"]}"
b = f"{f"{f"{1 + 1}"}"}"
c = f"{'\n'.join(y)}"
d = f'{x:{'>'}{10}}'
e = f"{
    x  # a comment
}"
g = f"""{
    z!r:>{w}}{{}}"""
h = f"{x = }" f"{y=!s}" f"{z=:d}"
type = 1
type (x)
match[0] = case
