return answer(true, stored)
